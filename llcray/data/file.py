"""A table of the user's own: a `.npz`, Parquet or CSV file of inputs and labels."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from llcray.data.source import Examples, Split, SuppliedData, Task
from llcray.data.user_file import UserFile

if TYPE_CHECKING:
    import numpy as np


class File(SuppliedData, UserFile):
    """Examples read from a file, one example a row.

    Attributes:
        path: A `.npz` (arrays by name, first axis the examples), `.parquet` or `.csv` file (columns by name).
        inputs: Names of the input columns, in order; null takes all numeric columns but the targets. For `.npz`, names
            one array, whose shape past the first axis is an input's shape: (height, width, channels) suits a convnet.
        targets: Names of the label columns or of the label array. One column for classification.
        predict: `classes` (any integer or text labels, renumbered in sorted order) or `numbers`.
        scaling: `standardized` gives each input mean 0 and variance 1 over the training examples.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npz", ".parquet", ".csv")

    kind: Literal["file"] = "file"
    inputs: tuple[str, ...] | None = None
    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    predict: Literal["classes", "numbers"]
    scaling: Literal["none", "standardized"] = "none"

    @field_validator("inputs", "targets", mode="before")
    @classmethod
    def _one_name_is_a_list_of_one(cls, value: Any) -> Any:
        # What a validator of this mode returns is checked as a value of Python, where a list is no tuple.
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _check_that_classes_are_one_column(self) -> Self:
        if self.predict == "classes" and len(self.targets) > 1:
            raise ValueError(f"targets {list(self.targets)} are several columns of classes: name one")
        return self

    @model_validator(mode="after")
    def _check_that_no_column_is_named_twice(self) -> Self:
        names = (*(self.inputs or ()), *self.targets)
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise ValueError(f"column {', '.join(twice)} is named twice in inputs and targets: name each once")
        return self

    def check(self) -> None:
        import numpy as np

        if self.path.is_file():
            self.load(np.random.default_rng(0))

    @property
    def task(self) -> Task:
        return "classification" if self.predict == "classes" else "regression"

    @property
    def images(self) -> bool:
        """Whether inputs may be images: only an `.npz` array can hold them; its shape is known once it is read."""
        return self.path.suffix.lower() == ".npz"

    def load(self, rng: "np.random.Generator") -> Split:
        import numpy as np

        from llcray.data.reading import read_table
        from llcray.data.splitting import split, standardize

        self.check_unchanged()
        x, y = read_table(self.path, self.inputs, self.targets)
        if self.predict == "classes":
            if np.issubdtype(y.dtype, np.floating) and (y != np.round(y)).any():
                raise ValueError(
                    f"{self.path}: the classes in {self.targets[0]} are fractions such as {y[y != np.round(y)][0]:g}; "
                    "classes are whole numbers or text. Set predict: numbers."
                )
            if y.shape[1] != 1:
                raise ValueError(
                    f"{self.path}: the classes in {self.targets[0]} are {y.shape[1]} values an example. Save one: of a "
                    "one-hot code, its argmax."
                )
            names, labels = np.unique(y[:, 0], return_inverse=True)
            if len(names) < 2:
                raise ValueError(
                    f"{self.path}: all examples are of one class, {names[0]!s:.40}: there is nothing to learn, and the "
                    "LLC is 0. Name another column in `targets`."
                )
            if len(names) == len(labels) > 2 and y.dtype.kind in "OUS":
                raise ValueError(
                    f"{self.path}: every example has a class of its own in {self.targets[0]}, such as "
                    f"{names[0]!s:.40}: that is a name, and no class. Name another column in `targets`."
                )
            examples, num_outputs = Examples(x, labels.astype(np.int32)), len(names)
        else:
            examples, num_outputs = Examples(x, self._numbers(y)), y.shape[1]
        train, test = split(examples, self.test_fraction, self.num_data, rng)
        if self.scaling == "standardized":
            train, test = standardize(train, test)
        return Split(train, test, num_outputs)

    def _numbers(self, labels: "np.ndarray") -> "np.ndarray":
        import numpy as np

        if labels.dtype.kind in "mM":
            raise ValueError(
                f"{self.path}: the labels in {', '.join(self.targets)} are times, which count in units of their file. "
                "Write them as numbers in a unit of your own."
            )
        try:
            return np.asarray(labels, np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{self.path}: the labels in {', '.join(self.targets)} are not numbers ({error}). Set predict: "
                "classes, or encode them."
            ) from error
