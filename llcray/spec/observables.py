"""Probe sets of a sweep: examples whose losses are taken at every draw, for susceptibilities and influences."""

from typing import Annotated, Literal

from pydantic import Field

from llcray.targets.loss_on import LossOn
from llcray.variant import Record

MOST_EXAMPLES = 1000
MOST_INFLUENCES = 100


class Observable(Record):
    """A probe set: examples whose losses are taken at every draw.

    Attributes:
        name: Column `probe_set` of table `observables`.
        examples: `own` for the examples that the loss is taken on, or other examples (a variant of `LossOn`).
        num: Number of examples, counted from the first.
    """

    name: Annotated[str, Field(min_length=1)]
    examples: Literal["own"] | LossOn = "own"
    num: Annotated[int, Field(strict=True, ge=1, le=MOST_EXAMPLES)] = 100
