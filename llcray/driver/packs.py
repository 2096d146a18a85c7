"""How many targets of one signature make a trial.

A worker pays for a trial once (scheduling, loading, calls of programs), for a run each time; a worker that dies takes
the unfinished part of its pack with it. So small targets are packed and large ones are not.
"""

from collections.abc import Sequence

from llcray.driver.plan.cost import CostModel
from llcray.spec import RunSpec

MOST_TARGETS = 64
LONGEST_SECONDS = 120.0
"""Of a pack, at most, by the cost model; a single target may take longer."""


def pack_size(runs: Sequence[RunSpec], model: CostModel) -> int:
    """Most targets of a trial, given the runs of one such target."""
    seconds = model.trial_seconds(runs)
    return max(1, min(MOST_TARGETS, int(LONGEST_SECONDS / seconds)))
