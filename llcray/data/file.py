"""A table of the user's own: a `.npz`, Parquet or CSV file of inputs and a label."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from llcray.data.source import Examples, Split, SuppliedData, Task

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".npz", ".parquet", ".csv")

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class File(SuppliedData):
    """Examples read from a file, one a row.

    The bytes of the file enter the target's id, its place does not: a moved file is the same data, a changed one not.

    Attributes:
        path: A `.npz` (arrays by name, first axis the examples), `.parquet` or `.csv` file (columns by name).
        inputs: Names of the input columns, in order; null takes all numeric columns but the targets. For `.npz`, names
            one array, whose shape past the first axis is an input's shape: (height, width, channels) suits a convnet.
        targets: Names of the label columns or of the label array. One column for classification.
        predict: `classes` (any integer or text labels, renumbered in sorted order) or `numbers`.
        scaling: `standardized` gives each input mean 0 and variance 1 over the training examples.
        sha256: Digest of the file, filled in when the spec is validated; given, the file must match it.
    """

    kind: Literal["file"] = "file"
    path: Annotated[Path, Field(exclude=True)]
    inputs: tuple[str, ...] | None = None
    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    predict: Literal["classes", "numbers"]
    scaling: Literal["none", "standardized"] = "none"
    sha256: Sha256 | None = None

    @field_validator("inputs", "targets", mode="before")
    @classmethod
    def _one_name_is_a_list_of_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("path")
    @classmethod
    def _check_the_suffix(cls, value: Path) -> Path:
        if value.suffix not in SUFFIXES:
            raise ValueError(f"{value} ends in none of {', '.join(SUFFIXES)}: convert it to one of these")
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _fill_in_the_digest(self) -> Self:
        if self.predict == "classes" and len(self.targets) > 1:
            raise ValueError(f"targets {list(self.targets)} are several columns of classes: name one")
        if not self.path.is_file():
            if self.sha256 is None:
                raise ValueError(f"there is no file {self.path}: give a path from the folder you run in, or a full one")
            return self
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        if self.sha256 not in (None, digest):
            raise ValueError(f"{self.path} has SHA-256 {digest}, not the {self.sha256} given: it has changed")
        object.__setattr__(self, "sha256", digest)
        return self

    @property
    def task(self) -> Task:
        """Classification of classes, regression of numbers."""
        return "classification" if self.predict == "classes" else "regression"

    @property
    def images(self) -> bool:
        """Only an `.npz` array can hold images; its shape is known once it is read."""
        return self.path.suffix == ".npz"

    def load(self, rng: "np.random.Generator") -> Split:
        """See `SuppliedData.load`."""
        import numpy as np

        from llcray.data.reading import read_table
        from llcray.data.splitting import split, standardize

        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        if digest != self.sha256:
            raise ValueError(f"{self.path} changed after the sweep was planned. Plan the sweep again.")
        x, y = read_table(self.path, self.inputs, self.targets)
        if self.predict == "classes":
            names, labels = np.unique(y[:, 0], return_inverse=True)
            examples, num_outputs = Examples(x, labels.astype(np.int32)), len(names)
        else:
            examples, num_outputs = Examples(x, np.asarray(y, np.float64)), y.shape[1]
        train, test = split(examples, self.test_fraction, self.num_data, rng)
        if self.scaling == "standardized":
            train, test = standardize(train, test)
        return Split(train, test, num_outputs)
