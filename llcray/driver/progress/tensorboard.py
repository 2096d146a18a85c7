"""Writes TensorBoard event files of a sweep, with a folder for each run, so that dashboards list runs by name.

Tune's own TensorBoard logger has a folder for each trial, which holds several runs. The scalars of a run are `llc` and
`llc_mcse` against the gradients spent, while the run is under way, and `estimate/...` once it is in the dataset.
"""

import math
from pathlib import Path
from typing import Any

from llcray.driver.plan.cost import num_gradients
from llcray.driver.progress.reports import RunReport, TrialReport
from llcray.driver.progress.tracker import Tracker
from llcray.report.export.event_files import folder_of, write_estimate

FLUSH_SECONDS = 10
SCALARS = ("llc", "llc_sampling_se", "localization_se", "localization", "n_beta", "seconds", "num_gradients")
"""Fields of a `RunReport` that are written when the run is in the dataset."""


class TensorBoard:
    """A view that writes event files, and shows nothing on the terminal."""

    def __init__(self, folder: Path) -> None:
        """Writes below `folder`, which is created when the first run reports."""
        self._folder = folder
        self._writers: dict[str, Any] = {}
        self._written: dict[str, int] = {}
        self._budgets: dict[str, float] = {}

    def opened(self, tracker: Tracker) -> None:
        self._budgets = {run.run_id: num_gradients(run) for plan in tracker.plans for run in plan.runs}

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        """Writes the estimate, or why there is none, and completes the files of the run."""
        writer = self._writer(tracker, run.run_id)
        numbers = {name: getattr(run, name) for name in SCALARS}
        write_estimate(writer, numbers, run.verdict or f"failed: {run.reason}", round(run.num_gradients))
        writer.close()
        del self._writers[run.run_id]

    def notice(self, text: str) -> None:
        """Does nothing: event files have no place for notices."""

    def tick(self, tracker: Tracker) -> None:
        """Writes the running estimate of each run that has moved on."""
        for running in tracker.running.values():
            report = running.report
            if report.run_id in tracker.labels and report.run_id not in tracker.finished and math.isfinite(report.llc):
                self._write(tracker, report)

    def closed(self, tracker: Tracker) -> None:
        """Completes the files of runs that did not finish."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _write(self, tracker: Tracker, report: TrialReport) -> None:
        spent = round(report.fraction * self._budgets.get(report.run_id, 0.0))
        if self._written.get(report.run_id) == spent:
            return
        self._written[report.run_id] = spent
        writer = self._writer(tracker, report.run_id)
        writer.add_scalar("llc", report.llc, spent)
        if math.isfinite(report.llc_mcse):
            writer.add_scalar("llc_mcse", report.llc_mcse, spent)

    def _writer(self, tracker: Tracker, run_id: str) -> Any:
        if run_id not in self._writers:
            from tensorboardX import SummaryWriter

            folder = folder_of(self._folder, tracker.sweep, tracker.labels[run_id], run_id)
            self._writers[run_id] = SummaryWriter(str(folder), flush_secs=FLUSH_SECONDS)
        return self._writers[run_id]
