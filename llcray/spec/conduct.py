"""Conduct of a sweep: which runs go first, and which are given up early. Never part of an identity."""

from typing import Annotated, Any

from pydantic import Field

from llcray.spec.columns import spec_columns
from llcray.spec.run import RunSpec
from llcray.variant import PositiveFloat, Record


class Halving(Record):
    """Asynchronous successive halving over the samplers of a target.

    At `first_gradients`, and at every `factor` times more, a run goes on only if its running relative error is among
    the best 1/`factor` of the runs that got so far on the same target and posterior. The others end as failed with the
    reason `halted`. Reference: Li et al. 2020 (arXiv 1810.05934).

    Attributes:
        factor: The share of runs kept at each rung is 1/factor.
        first_gradients: Work before the first decision, full-data gradients.
    """

    factor: Annotated[int, Field(strict=True, ge=2)] = 3
    first_gradients: PositiveFloat = 500


class Conduct(Record):
    """The top-level key `conduct` of a sweep file.

    Attributes:
        first: Conditions, each a mapping from columns to values. Runs that meet the first one start first, then those
            that meet the second, and so on.
        halving: Gives up runs early; null runs all to their end.
    """

    first: tuple[dict[str, Any], ...] = ()
    halving: Halving | None = None

    def rank(self, run: RunSpec) -> int:
        """Rank of a run in the order that `first` gives; 0 starts first."""
        if not self.first:
            return 0
        columns = spec_columns(run)
        met = (all(columns.get(name) == value for name, value in condition.items()) for condition in self.first)
        return next((rank for rank, meets in enumerate(met) if meets), len(self.first))

    def group(self, run: RunSpec) -> tuple[str, ...]:
        """The key that a run shares with those it is halved against: all parts but the sampler."""
        return (run.target_id, str(run.component), repr(run.posterior), repr(getattr(run, "loss_on", None)))


def unknown_columns(conduct: Conduct, runs: tuple[RunSpec, ...]) -> list[str]:
    """Names in `first` for which no run has a column."""
    known = {name for run in runs for name in spec_columns(run)} if conduct.first else set()
    return [name for condition in conduct.first for name in condition if name not in known]
