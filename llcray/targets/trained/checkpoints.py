"""Checkpoints and phases of a training, as a sweep file says them."""

from typing import Annotated, Literal

from pydantic import Field

from llcray.data import Data
from llcray.variant import Count, NonNegativeInt, Record

Spacing = Literal["log", "linear", "log_and_linear"]


class Phase(Record):
    """A part of a training with data of its own; weights are carried on, the optimizer starts anew.

    Attributes:
        data: What is trained on; inputs and outputs of the form of the last phase's.
        num_steps: Steps.
    """

    data: Data
    num_steps: Count


class Checkpoints(Record):
    """The steps of a training at which weights are targets.

    Attributes:
        steps: Spacing of the steps within each phase, the last one included: `log` from 1, `linear`, or both, half of
            them each; or the steps themselves, counted over all phases.
        num: Steps of each phase (fewer where rounding makes some equal); not used when steps are given.
    """

    steps: Spacing | Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] = "log"
    num: Annotated[Count, Field(ge=2)] = 24

    def of(self, phase_steps: tuple[int, ...]) -> tuple[int, ...]:
        """The steps for phases of these lengths, ascending."""
        if not isinstance(self.steps, str):
            return tuple(sorted(set(self.steps)))
        found: set[int] = set()
        start = 0
        for length in phase_steps:
            found |= {start + step for step in _spaced(self.steps, self.num, length)}
            start += length
        return tuple(sorted(found))


def _spaced(spacing: Spacing, num: int, length: int) -> set[int]:
    logarithmic = {round(length ** (index / (num - 1))) for index in range(num)}
    linear = {round(length * (index + 1) / num) for index in range(num)}
    if spacing == "log":
        return logarithmic
    if spacing == "linear":
        return linear - {0}
    half = max(num // 2, 2)
    return (_spaced("log", half, length) | _spaced("linear", half, length)) - {0}
