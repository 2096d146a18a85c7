"""A sum of even powers: L(w) = sum_i w_i^p_i, w* = 0; lambda = sum_i 1/p_i, multiplicity 1."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from llcray.variant import Count, NonNegativeInt, Variant


class EvenPowersTarget(Variant):
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
