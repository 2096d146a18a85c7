"""scikit-learn's handwritten digits: 1,797 images of 8 x 8 pixels (Alpaydin and Kaynak 1998, UCI)."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from llcray.data.source import Split, SuppliedData, Task

if TYPE_CHECKING:
    import numpy as np

# Images of each digit 0..9 in the bundled file.
NUM_IMAGES = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)

Digit = Annotated[int, Field(strict=True, ge=0, le=9)]


class Digits(SuppliedData):
    """Images (8, 8, 1) of handwritten digits, labelled by the digit.

    Attributes:
        classes: Digits kept, renumbered in the order given; all by default.
        scaling: `unit` divides pixels by 16; `standardized` gives each pixel mean 0 and variance 1 over the training
            images (pixels that never vary become 0).
    """

    kind: Literal["digits"] = "digits"
    classes: Annotated[tuple[Digit, ...], Field(min_length=2)] = tuple(range(10))
    scaling: Literal["unit", "standardized"] = "unit"

    @model_validator(mode="after")
    def _check_against_the_images_there_are(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError(f"classes {list(self.classes)} names a digit twice: name each once")
        available = self._num_images
        left = available - self.num_held_out
        if left < 1 or (self.num_data or 1) > left:
            raise ValueError(
                f"num_data {self.num_data} is more than the {left} of {available} images that test_fraction "
                f"{self.test_fraction} leaves: lower either"
            )
        return self

    @property
    def task(self) -> Task:
        return "classification"

    @property
    def images(self) -> bool:
        return True

    @property
    def size(self) -> int:
        return self.num_data or self._num_images - self.num_held_out

    @property
    def num_held_out(self) -> int:
        return round(self.test_fraction * self._num_images)

    @property
    def _num_images(self) -> int:
        return sum(NUM_IMAGES[digit] for digit in self.classes)

    def load(self, rng: "np.random.Generator") -> Split:
        import numpy as np
        from sklearn.datasets import load_digits

        from llcray.data.splitting import Examples, split, standardize

        pixels, labels = load_digits(return_X_y=True)
        images = np.asarray(pixels, np.float64).reshape(-1, 8, 8, 1)
        kept = np.isin(labels, self.classes)
        renumbered = np.zeros(10, np.int32)
        renumbered[list(self.classes)] = np.arange(len(self.classes), dtype=np.int32)
        examples = Examples(images[kept] / 16.0, renumbered[labels[kept]])
        train, test = split(examples, self.test_fraction, self.num_data, rng)
        if self.scaling == "standardized":
            train, test = standardize(train, test)
        return Split(train, test, len(self.classes))
