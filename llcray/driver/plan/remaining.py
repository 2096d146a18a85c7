"""What is left to do of a sweep: its runs against what the dataset has. Starts nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import llcray_storage as ls

from llcray.driver.options import SweepOptions
from llcray.spec import RunSpec, Sweep


@dataclass(frozen=True)
class Pending:
    """Runs to do.

    Attributes:
        runs: In the order of the file.
        generations: Generation to write of those that are deliberately redone.
        statuses: `ok` or `failed`, of the sweep's runs that the dataset has.
    """

    runs: tuple[RunSpec, ...]
    generations: Mapping[str, int]
    statuses: Mapping[str, str]

    @property
    def num_ok(self) -> int:
        """Runs of the sweep that have an estimate."""
        return sum(status == "ok" for status in self.statuses.values())

    @property
    def num_failed(self) -> int:
        """Runs of the sweep that failed."""
        return len(self.statuses) - self.num_ok


def pending(sweep: Sweep, dataset: ls.Dataset | None, options: SweepOptions) -> Pending:
    """Runs not in the dataset, and those that the options ask to redo.

    Args:
        sweep: The sweep.
        dataset: Where its runs go; None where there is none yet.
        options: `force` redoes all, `retry_failed` those that failed.
    """
    ids = {run.run_id for run in sweep.runs}
    found = dataset.finished(sweep.name) if dataset else {}
    statuses = {run_id: status for run_id, status in found.items() if run_id in ids}
    redone = {
        run_id for run_id, status in statuses.items() if options.force or (options.retry_failed and status == "failed")
    }
    written = dataset.generations(sweep.name) if dataset and redone else {}
    return Pending(
        runs=tuple(run for run in sweep.runs if run.run_id not in statuses or run.run_id in redone),
        generations={run_id: written[run_id] + 1 for run_id in redone},
        statuses=statuses,
    )
