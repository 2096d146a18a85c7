"""Keeps what runs hand over to the runs that go on from them (`llcray.sampling.handover`), from trial to trial.

Within a trial a handover is in memory. It is also kept in the dataset, until the run that goes on from it is committed.
Where it is lost, the runs before are done once more, unseen, to the same end: randomness depends on run, chain, draw
and step alone. So a run has the same draws whether or not its sweep was interrupted.
"""

from collections.abc import Mapping, Sequence

from llcray_storage import Dataset

from llcray.sampling.handover import Handover, decode, encode
from llcray.sampling.resume import version_stamp
from llcray.spec import RunSpec

NOTHING = b""
"""Kept in place of a handover where a run has nothing to hand over."""


class Handovers:
    """The handovers that a dataset keeps, by the run that hands over."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def find(self, run_id: str) -> dict[str, Handover | None]:
        """The handover of a run, by its id; empty where none is kept that this version made on such a machine."""
        data = self._dataset.load_end(run_id)
        handover = decode(data, version_stamp()) if data else None
        return {run_id: handover} if data == NOTHING or handover is not None else {}

    def keep(self, run_id: str, handover: Handover | None) -> None:
        """Keeps what a run hands over."""
        self._dataset.keep_end(run_id, NOTHING if handover is None else encode(handover, version_stamp()))

    def drop(self, run_id: str) -> None:
        """Deletes what a run handed over, once the run that needed it is committed."""
        self._dataset.drop_end(run_id)


class MissingRunError(ValueError):
    """A run follows another one that is neither kept nor known."""


def with_runs_before(
    runs: Sequence[RunSpec], before: Mapping[str, RunSpec], handovers: Handovers
) -> tuple[list[RunSpec], dict[str, Handover | None]]:
    """Adds to runs those that have to be done once more, so that their ends are known.

    Args:
        runs: Runs to do.
        before: Runs that these follow, by id.
        handovers: The handovers that are kept.

    Returns:
        The runs, those added last, and the handovers that the runs go on from, by the run that hands over.

    Raises:
        MissingRunError: A run that is followed is not known.
    """
    done_here, found = {run.run_id: run for run in runs}, dict[str, Handover | None]()
    queue = list(runs)
    while queue:
        run = queue.pop()
        if run.follows is None or run.follows in done_here or run.follows in found:
            continue
        found |= handovers.find(run.follows)
        if run.follows not in found:
            if run.follows not in before:
                raise MissingRunError(
                    f"run {run.run_id} goes on from run {run.follows}, whose end is not kept and whose spec is not "
                    "known here. Run the whole sweep."
                )
            done_here[run.follows] = before[run.follows]
            queue.append(before[run.follows])
    return list(done_here.values()), found
