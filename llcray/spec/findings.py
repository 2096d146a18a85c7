"""Findings that the file of an experiment claims, with bounds to check them by. This module validates them only."""

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from llcray.variant import Record

READS_A_FILE = re.compile(r"""\bread_\w+["`]?\s*\(""", re.IGNORECASE)
"""A table function of SQL that reads a file or an address, for which an experiment has no use."""
AS_WRITTEN = "laptop"
"""Name of the size that a file has without overrides."""


class Sooner(Record):
    """A one-sided Mann-Whitney test that one group reaches an event in fewer steps than another.

    A training that ends before the event is censored, not dropped: it counts as later than all that reach the event.

    Attributes:
        event: A column of steps, null where training ended first: `grokking_step`.
        group: Column that tells the groups apart.
        sooner: The group that is claimed to be sooner.
        later: The other group.
    """

    event: str
    group: str = "label"
    sooner: str
    later: str


class Finding(Record):
    """A finding that can fail.

    Attributes:
        claim: The finding, in words.
        sql: Query for one number of the tables `runs` (of this size alone), `stages` and `targets`.
        sooner: A test in place of `sql`, whose number is its p-value.
        at_least: Smallest number that agrees with the claim.
        at_most: Largest number that agrees with the claim.
        sizes: Sizes at which the claim is to hold.
    """

    claim: Annotated[str, Field(min_length=1)]
    sql: str | None = None
    sooner: Sooner | None = None
    at_least: float | None = None
    at_most: float | None = None
    sizes: Annotated[tuple[str, ...], Field(min_length=1)] = (AS_WRITTEN,)

    @model_validator(mode="after")
    def _check_that_it_can_fail(self) -> Self:
        if (self.sql is None) == (self.sooner is None):
            raise ValueError("a check has either `sql` or `sooner`")
        if self.at_least is None and self.at_most is None:
            raise ValueError("a check needs a bound: `at_least`, `at_most` or both")
        if READS_A_FILE.search(self.sql or ""):
            raise ValueError("a check reads the tables `runs`, `stages` and `targets`, and no file")
        return self

    def holds(self, value: float | None) -> bool:
        """Whether a number is within the bounds; None and NaN are not."""
        if value is None or value != value:
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)
