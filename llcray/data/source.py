"""The bases of the data variants: a task, and examples or inputs drawn from a seeded generator."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from llcray.variant import Count, Fraction, Variant

if TYPE_CHECKING:
    import numpy as np

Task = Literal["regression", "classification"]


@dataclass(frozen=True)
class Examples:
    """Examples with labels.

    Attributes:
        x: Inputs (n, ...) in float64, or tokens in int32.
        y: Labels (n, outputs) in float64, or classes (n,) in int32.
    """

    x: "np.ndarray"
    y: "np.ndarray"

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Split:
    """Training examples, test examples, and the length of the output of a network that predicts the labels."""

    train: Examples
    test: Examples
    num_outputs: int


class DataVariant(Variant):
    """Base of all data variants."""

    @property
    def size(self) -> int | None:
        """Number of training examples n; None where only reading the data tells."""
        return None

    @property
    def num_held_out(self) -> int | None:
        """Number of test examples; None where only reading the data tells."""
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
        test_fraction: Number of fresh test examples, as a share of `num_data`.
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

    @property
    def num_held_out(self) -> int:
        return round(self.test_fraction * self.num_data)

    def signature(self) -> Any:
        return [self.input_dimension, self.output_dimension, self.num_data]

    @property
    def images(self) -> bool:
        """Whether inputs are (height, width, channels)."""
        return False

    def inputs(self, rng: "np.random.Generator", num_inputs: int) -> "np.ndarray":
        """Random inputs (num_inputs, input_dimension)."""
        raise NotImplementedError


class LabelledData(DataVariant):
    """Base of the data that come with labels."""

    synthetic: ClassVar[bool] = False

    @property
    def task(self) -> Task:
        """Whether labels are numbers (regression) or classes (classification)."""
        raise NotImplementedError

    @property
    def images(self) -> bool:
        """Whether inputs are (height, width, channels)."""
        return False

    def load(self, rng: "np.random.Generator") -> Split:
        """Examples, split at random with `rng` into training and test examples, and scaled."""
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
