"""A sum of even powers: L(w) = sum_i w_i^p_i, w* = 0; lambda = sum_i 1/p_i, multiplicity 1."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from llcray.targets.target import Target
from llcray.targets.variant import TargetSize, TargetVariant
from llcray.variant import Count, NonNegativeInt


class EvenPowersTarget(TargetVariant):
    """Flat minima of any order, one a coordinate.

    Attributes:
        powers: p_i, even and at least 2.
        num_data: Number of examples n, all alike.
        seed: Tells replicates apart; the target is the same.
    """

    kind: Literal["even_powers"] = "even_powers"
    powers: Annotated[tuple[Count, ...], Field(min_length=1)] = (2, 4)
    num_data: Annotated[Count, Field(ge=2)] = 1000
    seed: NonNegativeInt = 0

    @field_validator("powers")
    @classmethod
    def _check_that_powers_are_even(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        odd = [power for power in value if power % 2]
        if odd:
            raise ValueError(f"powers {odd} are odd, so 0 is no minimum: use even powers")
        return value

    def build(self) -> Target:
        from llcray.targets.analytic.build import even_powers

        return even_powers(self.powers, self.num_data)

    @property
    def size(self) -> TargetSize:
        return TargetSize(self.num_data, len(self.powers))
