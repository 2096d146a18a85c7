"""A normal crossing: L(w) = (prod_i w_i^p_i)^2, w* = 0: what every singularity resolves to (Watanabe 2009)."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from llcray.targets.target import Target
from llcray.targets.variant import TargetSize, TargetVariant
from llcray.variant import Count, NonNegativeInt


class NormalCrossingTarget(TargetVariant):
    """The square of a monomial. lambda = min over p_i > 0 of 1/(2 p_i), its multiplicity how many attain it.

    Attributes:
        powers: p_i >= 0, not all zero; [1, 1] is (w1 w2)^2.
        num_data: Number of examples n, all alike.
        seed: Tells replicates apart; the target is the same.
    """

    kind: Literal["normal_crossing"] = "normal_crossing"
    powers: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] = (1, 1)
    num_data: Annotated[Count, Field(ge=2)] = 1000
    seed: NonNegativeInt = 0

    @field_validator("powers")
    @classmethod
    def _check_that_the_loss_varies(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not any(value):
            raise ValueError("all powers are 0, so the loss is constant: give at least one power >= 1")
        return value

    def build(self) -> Target:
        from llcray.targets.analytic.build import normal_crossing

        return normal_crossing(self.powers, self.num_data)

    @property
    def size(self) -> TargetSize:
        return TargetSize(self.num_data, len(self.powers))
