"""Finds the runs of a sweep that are still to do, by what the dataset has. Starts nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import llcray_storage as ls
from llcray_storage.schema.status import DONE, FAILED

from llcray.driver.options import SweepOptions
from llcray.spec import RunSpec, Sweep


@dataclass(frozen=True)
class Remaining:
    """The runs of a sweep that are still to do, and the status of those that the dataset has.

    Attributes:
        runs: Runs to do, in the order of the file.
        generations: Generation to write of each run that is deliberately redone, by run id.
        statuses: `done` or `failed` for each run of the sweep that the dataset has, by run id.
    """

    runs: tuple[RunSpec, ...]
    generations: Mapping[str, int]
    statuses: Mapping[str, str]

    @property
    def num_done(self) -> int:
        """Runs in the dataset that have an estimate."""
        return sum(status == DONE for status in self.statuses.values())

    @property
    def num_failed(self) -> int:
        """Runs in the dataset that failed."""
        return len(self.statuses) - self.num_done


def find_remaining(sweep: Sweep, dataset: ls.Dataset | None, options: SweepOptions) -> Remaining:
    """Finds the runs that are not in the dataset, and those that the options ask to redo.

    Args:
        sweep: The sweep.
        dataset: The dataset for the runs; None where there is none yet.
        options: `force` redoes all runs, `retry_failed` those that failed.
    """
    ids = {run.run_id for run in sweep.runs}
    finished = dataset.finished(sweep.name) if dataset else {}
    statuses = {run_id: status for run_id, status in finished.items() if run_id in ids}
    redone = {
        run_id for run_id, status in statuses.items() if options.force or (options.retry_failed and status == FAILED)
    }
    written = dataset.generations(sweep.name) if dataset and redone else {}
    return Remaining(
        runs=tuple(run for run in sweep.runs if run.run_id not in statuses or run.run_id in redone),
        generations={run_id: written[run_id] + 1 for run_id in redone},
        statuses=statuses,
    )
