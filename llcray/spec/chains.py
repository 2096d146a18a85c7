"""Chains of runs: along a training, the chains of each run start from those of the run at the checkpoint before."""

from collections.abc import Iterable, Sequence

from llcray.spec.run import RunSpec
from llcray.targets.variant import TrajectoryVariant


def linked(runs: Iterable[RunSpec]) -> tuple[RunSpec, ...]:
    """Links runs with `start: previous` to those that they follow.

    Args:
        runs: Runs of a sweep, without links.

    Returns:
        The runs in the order given.
    """
    made = list(runs)
    of_chain: dict[str, list[int]] = {}
    for index, run in enumerate(made):
        if run.chain_id != run.run_id:
            of_chain.setdefault(run.chain_id, []).append(index)
    for indices in of_chain.values():
        previous = None
        for index in sorted(indices, key=lambda index: _step(made[index])):
            made[index] = previous = made[index].following(previous)
    return tuple(made)


def runs_before(runs: Sequence[RunSpec], known: Iterable[RunSpec]) -> dict[str, RunSpec]:
    """Finds the runs that others follow, directly or not, and that are not among these, by id.

    Args:
        runs: Runs to do.
        known: Runs to search.
    """
    by_id = {run.run_id: run for run in known}
    to_do = {run.run_id for run in runs}
    before: dict[str, RunSpec] = {}
    for run in runs:
        follows = run.follows
        while follows in by_id and follows not in before and follows not in to_do:
            before[follows] = by_id[follows]
            follows = by_id[follows].follows
    return before


def _step(run: RunSpec) -> int:
    return run.target.step or 0 if isinstance(run.target, TrajectoryVariant) else 0
