"""Views that show the progress of a sweep; one is chosen by the options and by where the output goes."""

import json
import math
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Protocol

from llcray_storage.schema.status import DONE
from rich.console import Console

from llcray.display.progress import in_notebook
from llcray.driver.options import SweepOptions
from llcray.driver.progress.failures import FailuresOnly
from llcray.driver.progress.reports import RunReport, run_line, running_text
from llcray.driver.progress.state import state_line
from llcray.driver.progress.tracker import Tracker
from llcray.terminal.text import stop_stream


class View(Protocol):
    """Shows the progress of a sweep. Its methods are called as things happen, `tick` several times a second."""

    def opened(self, tracker: Tracker) -> None:
        """Shows that trials are about to start."""
        ...

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        """Shows that the row of a run is in the dataset."""
        ...

    def notice(self, text: str) -> None:
        """Shows a line that the user should read."""
        ...

    def tick(self, tracker: Tracker) -> None:
        """Shows how far the sweep is, where it is time for that."""
        ...

    def closed(self, tracker: Tracker) -> None:
        """Shows that no trial runs any more."""
        ...


def choose_view(options: SweepOptions, console: Console) -> View:
    """Chooses the view that suits the options and the output, and adds event files where they are wanted."""
    shown = _shown(options, console)
    if options.tensorboard is None:
        return shown
    from llcray.driver.progress.tensorboard import TensorBoard

    return TwoViews(shown, TensorBoard(Path(options.tensorboard).expanduser()))


def _shown(options: SweepOptions, console: Console) -> View:
    if options.json_lines:
        return JsonLines(sys.stdout)
    if options.quiet:
        return FailuresOnly(console)
    if in_notebook():
        from llcray.driver.progress.notebook import NotebookView

        return NotebookView(console)
    if console.is_terminal and not console.is_dumb_terminal:
        from llcray.driver.progress.live import LiveView

        return LiveView(console)
    return Lines(console)


class TwoViews:
    """Two views of one sweep, the first of which is called first."""

    def __init__(self, first: View, second: View) -> None:
        self._views = (first, second)

    def opened(self, tracker: Tracker) -> None:
        for view in self._views:
            view.opened(tracker)

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        for view in self._views:
            view.run_finished(tracker, run)

    def notice(self, text: str) -> None:
        for view in self._views:
            view.notice(text)

    def tick(self, tracker: Tracker) -> None:
        for view in self._views:
            view.tick(tracker)

    def closed(self, tracker: Tracker) -> None:
        for view in self._views:
            view.closed(tracker)


class Lines(FailuresOnly):
    """Prints a log for files and batch systems: finished runs, failures, and now and then how far the sweep is."""

    SECONDS_BETWEEN_RUNS = 1.0
    SECONDS_BETWEEN_STATES = 30.0

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._last_run = -math.inf
        self._last_state = time.monotonic()
        self._num_left_out = 0

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        """Prints a line for a failed run, and for one run with an estimate a second."""
        now = time.monotonic()
        if run.status == DONE and now - self._last_run < self.SECONDS_BETWEEN_RUNS:
            self._num_left_out += 1
            return
        more = f"  (and {self._num_left_out} more)" if self._num_left_out else ""
        self._num_left_out = 0
        self._last_run = now
        count = f"[{len(tracker.finished)}/{tracker.num_runs}]"
        self.notice(f"{count} {run_line(run, tracker.labels[run.run_id])}{more}")

    def tick(self, tracker: Tracker) -> None:
        """Prints how far the sweep and its trials are, every half minute."""
        if time.monotonic() - self._last_state >= self.SECONDS_BETWEEN_STATES:
            self._last_state = time.monotonic()
            self.notice(state_line(tracker))
            for running in tracker.running.values():
                report = running.report
                spent = f"{100 * report.fraction:.0f}%" if report.fraction else ""
                parts = [report.phase, tracker.label_of(running), running_text(report), spent]
                self.notice("  " + "  ".join(part for part in parts if part))

    def closed(self, tracker: Tracker) -> None:
        """Prints how far the sweep is at its end."""
        self.notice(state_line(tracker))


class JsonLines:
    """Writes one JSON object a line, for programs."""

    SECONDS_BETWEEN_STATES = 5.0

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._last_state = -math.inf

    def opened(self, tracker: Tracker) -> None:
        """Writes the numbers of runs and trials."""
        self._write(
            "opened",
            sweep=tracker.sweep,
            num_runs=tracker.num_runs,
            num_done_before=tracker.num_before,
            num_trials=len(tracker.plans),
            num_slots=tracker.num_slots,
        )

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        """Writes the report of a run, with its label."""
        self._write("run_finished", label=tracker.labels[run.run_id], **asdict(run))

    def notice(self, text: str) -> None:
        self._write("notice", text=text)

    def tick(self, tracker: Tracker) -> None:
        """Writes counts and the trials under way, every few seconds."""
        if time.monotonic() - self._last_state >= self.SECONDS_BETWEEN_STATES:
            self._last_state = time.monotonic()
            self._state("progress", tracker)

    def closed(self, tracker: Tracker) -> None:
        """Writes counts at the end."""
        self._state("closed", tracker)

    def _state(self, event: str, tracker: Tracker) -> None:
        running = []
        for trial in tracker.running.values():
            report = asdict(trial.report)
            del report["finished"]
            running.append(report | {"trial": trial.index, "node": trial.node})
        counts = {"num_done": tracker.num_done, "num_failed": tracker.num_failed, "num_runs": tracker.num_runs}
        counts |= {"devices": tracker.devices}
        self._write(event, **counts, seconds_left=tracker.seconds_left(), stopped=tracker.stopped, running=running)

    def _write(self, event: str, **fields: Any) -> None:
        finite = {name: _without_nan(value) for name, value in fields.items()}
        try:
            self._stream.write(json.dumps({"event": event, **finite}) + "\n")
            self._stream.flush()
        except OSError:
            # The reader has left; the sweep goes on without it.
            stop_stream(self._stream)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_nan(item) for name, item in value.items()}
    return value
