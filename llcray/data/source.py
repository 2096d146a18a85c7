"""What every data variant offers: its task, and examples or inputs drawn from a seeded generator."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from llcray.variant import Count, Fraction, Variant

if TYPE_CHECKING:
    import numpy as np

Task = Literal["regression", "classification"]


@dataclass(frozen=True)
class Examples:
    """Inputs `x` (n, ...) in float64, or int32 tokens; labels `y`: (n, outputs) float64, or (n,) int32 classes."""

    x: "np.ndarray"
    y: "np.ndarray"

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.x)


@dataclass(frozen=True)
class Split:
    """Training and test examples and the length of a network's output."""

    train: Examples
    test: Examples
    num_outputs: int


class DataVariant(Variant):
    """Base of all data."""

    @property
    def size(self) -> int | None:
        """Number of training examples n; None where only reading the data tells."""
        return None

    def signature(self) -> Any:
        """JSON-ready value that is equal for data of one shape."""
        return self.model_dump(mode="json")


class SyntheticData(DataVariant):
    """Base of the input distributions whose labels come from a teacher.

    Attributes:
        input_dimension: Length of an input.
        output_dimension: Length of the teacher's output.
        num_data: Number of training examples, the posterior's n.
        test_fraction: Fresh test examples, as a share of `num_data`.
    """

    synthetic: ClassVar[bool] = True
    task: ClassVar[Task] = "regression"

    input_dimension: Count = 32
    output_dimension: Count = 1
    num_data: Count = 5000
    test_fraction: Fraction = 0.2

    @property
    def size(self) -> int:
        return self.num_data

    def signature(self) -> Any:
        return [self.input_dimension, self.output_dimension, self.num_data]

    @property
    def images(self) -> bool:
        """Whether inputs are (height, width, channels)."""
        return False

    def inputs(self, rng: "np.random.Generator", num_inputs: int) -> "np.ndarray":
        """Draw inputs (num_inputs, input_dimension)."""
        raise NotImplementedError


class LabelledData(DataVariant):
    """Base of the data that come with labels."""

    synthetic: ClassVar[bool] = False

    @property
    def task(self) -> Task:
        """Regression or classification."""
        raise NotImplementedError

    @property
    def images(self) -> bool:
        """Whether inputs are (height, width, channels)."""
        return False

    def load(self, rng: "np.random.Generator") -> Split:
        """Read, split at random and scale."""
        raise NotImplementedError


class SuppliedData(LabelledData):
    """Base of the data that are split at random for each seed.

    Attributes:
        num_data: Number of training examples, the posterior's n; null takes all that the test split leaves.
        test_fraction: Share of the examples held out for testing.
    """

    num_data: Count | None = None
    test_fraction: Fraction = 0.2

    @property
    def size(self) -> int | None:
        return self.num_data
