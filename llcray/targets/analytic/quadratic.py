"""A regular model: L(w) = 1/2 sum_i h_i (q_i . w)^2, w* = 0."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from llcray.targets.target import Target
from llcray.targets.variant import TargetSize, TargetVariant
from llcray.variant import Count, NonNegativeFloat, NonNegativeInt, PositiveFloat


class QuadraticTarget(TargetVariant):
    """A quadratic loss of known Hessian.

    Give `eigenvalues`, or `num_params` with, if they are to differ, `condition_number`.

    Attributes:
        eigenvalues: h_i >= 0 of the Hessian of the mean loss.
        num_params: Number of parameters d of log-spaced eigenvalues from `largest_eigenvalue` down.
        condition_number: Largest over smallest eigenvalue.
        largest_eigenvalue: Of the log-spaced ones.
        rotation_seed: Draws the orthogonal q_i; null takes the coordinate axes.
        gradient_noise: Standard deviation over examples of each gradient coordinate: example j has the loss
            L(w) + e_j . w with the e_j normal, made to sum to zero. 0 makes all examples alike.
        num_data: Number of examples n.
        seed: Varies the gradient noise.
    """

    kind: Literal["quadratic"] = "quadratic"
    eigenvalues: Annotated[tuple[NonNegativeFloat, ...], Field(min_length=1)] | None = None
    num_params: Count | None = None
    condition_number: Annotated[float, Field(ge=1)] = 1.0
    largest_eigenvalue: PositiveFloat = 1.0
    rotation_seed: NonNegativeInt | None = None
    gradient_noise: NonNegativeFloat = 0.0
    num_data: Annotated[Count, Field(ge=2)] = 1000
    seed: NonNegativeInt = 0

    @model_validator(mode="after")
    def _check_one_way_to_say_the_eigenvalues(self) -> Self:
        if (self.eigenvalues is None) == (self.num_params is None):
            raise ValueError("a quadratic needs either `eigenvalues` or `num_params`, and not both")
        return self

    def spectrum(self) -> tuple[float, ...]:
        """The eigenvalues, however they were given."""
        if self.eigenvalues is not None:
            return self.eigenvalues
        assert self.num_params is not None
        exponents = [-index / max(1, self.num_params - 1) for index in range(self.num_params)]
        return tuple(self.largest_eigenvalue * self.condition_number**exponent for exponent in exponents)

    def build(self) -> Target:
        from llcray.targets.analytic.build import quadratic

        return quadratic(self.spectrum(), self.rotation_seed, self.gradient_noise, self.num_data, self.seed)

    @property
    def size(self) -> TargetSize:
        return TargetSize(self.num_data, self.num_params or len(self.eigenvalues or ()))
