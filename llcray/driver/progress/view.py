"""What shows progress: one of these is chosen by where the output goes and what was asked for."""

import json
import math
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Protocol

from rich.console import Console

from llcray.driver.options import SweepOptions
from llcray.driver.progress.reports import RunReport, llc_text, run_line
from llcray.driver.progress.tracker import Tracker
from llcray.driver.wording import duration, plural


class View(Protocol):
    """Told what happens; `tick` comes several times a second."""

    def opened(self, tracker: Tracker) -> None:
        """Trials are about to start."""
        ...

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        """A run is in the dataset."""
        ...

    def notice(self, text: str) -> None:
        """Something the user should know."""
        ...

    def tick(self, tracker: Tracker) -> None:
        """Time has passed."""
        ...

    def closed(self, tracker: Tracker) -> None:
        """No trial runs any more."""
        ...


def choose_view(options: SweepOptions, console: Console) -> View:
    """The view that suits the options and the output; with event files beside it where they are wanted."""
    shown = _shown(options, console)
    if options.tensorboard is None:
        return shown
    from llcray.driver.progress.tensorboard import TensorBoard

    return Together(shown, TensorBoard(Path(options.tensorboard).expanduser()))


def _shown(options: SweepOptions, console: Console) -> View:
    if options.json_lines:
        return JsonLines(sys.stdout)
    if options.quiet:
        return FailuresOnly(console)
    if console.is_terminal and not console.is_dumb_terminal:
        from llcray.driver.progress.live import LiveView

        return LiveView(console)
    return Lines(console)


class Together:
    """Two views of one sweep; the first hears of everything first."""

    def __init__(self, first: View, second: View) -> None:
        """Tells both."""
        self._views = (first, second)

    def opened(self, tracker: Tracker) -> None:
        """Both."""
        for view in self._views:
            view.opened(tracker)

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        """Both."""
        for view in self._views:
            view.run_finished(tracker, run)

    def notice(self, text: str) -> None:
        """Both."""
        for view in self._views:
            view.notice(text)

    def tick(self, tracker: Tracker) -> None:
        """Both."""
        for view in self._views:
            view.tick(tracker)

    def closed(self, tracker: Tracker) -> None:
        """Both."""
        for view in self._views:
            view.closed(tracker)


class FailuresOnly:
    """Prints failures and notices."""

    def __init__(self, console: Console) -> None:
        """Writes to `console`."""
        self._console = console

    def opened(self, tracker: Tracker) -> None:
        """Nothing."""

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        """A line for a failure."""
        if run.status == "failed":
            self.notice(run_line(run, tracker.labels[run.run_id]))

    def notice(self, text: str) -> None:
        """The text, as it is."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def tick(self, tracker: Tracker) -> None:
        """Nothing."""

    def closed(self, tracker: Tracker) -> None:
        """Nothing."""


class Lines(FailuresOnly):
    """A log for files and batch systems: finished runs, failures at once, and where the sweep stands now and then."""

    SECONDS_BETWEEN_RUNS = 1.0
    SECONDS_BETWEEN_STATES = 30.0

    def __init__(self, console: Console) -> None:
        """Writes to `console`."""
        super().__init__(console)
        self._last_run = -math.inf
        self._last_state = time.monotonic()
        self._left_out = 0

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        """A line; in a quick sweep, for one run a second."""
        now = time.monotonic()
        if run.status == "ok" and now - self._last_run < self.SECONDS_BETWEEN_RUNS:
            self._left_out += 1
            return
        more = f"  (and {self._left_out} more)" if self._left_out else ""
        self._left_out = 0
        self._last_run = now
        count = f"[{len(tracker.finished)}/{tracker.num_runs}]"
        self.notice(f"{count} {run_line(run, tracker.labels[run.run_id])}{more}")

    def tick(self, tracker: Tracker) -> None:
        """Where the sweep stands, every half minute."""
        if time.monotonic() - self._last_state >= self.SECONDS_BETWEEN_STATES:
            self._last_state = time.monotonic()
            self.notice(state_line(tracker))
            for running in tracker.running.values():
                report = running.report
                spent = f"{100 * report.fraction:.0f}%" if report.fraction else ""
                parts = [report.phase, tracker.label_of(running), llc_text(report.llc, report.llc_mcse), spent]
                self.notice("  " + "  ".join(part for part in parts if part))

    def closed(self, tracker: Tracker) -> None:
        """Where the sweep stands at its end."""
        self.notice(state_line(tracker))


def state_line(tracker: Tracker) -> str:
    """Counts and time left, in one line."""
    parts = [f"{len(tracker.finished)}/{plural(tracker.num_runs, 'run')} done"]
    if tracker.num_failed:
        parts.append(f"{tracker.num_failed} failed")
    if tracker.running:
        parts.append(f"{plural(len(tracker.running), 'trial')} running on {tracker.devices}")
    left = tracker.seconds_left()
    if left is not None and tracker.running:
        parts.append(f"about {duration(left)} left")
    return f"{tracker.sweep}: {', '.join(parts)}"


class JsonLines:
    """One JSON object a line, for programs."""

    SECONDS_BETWEEN_STATES = 5.0

    def __init__(self, stream: IO[str]) -> None:
        """Writes to `stream`."""
        self._stream = stream
        self._last_state = -math.inf

    def opened(self, tracker: Tracker) -> None:
        """Numbers of runs and trials."""
        self._write(
            "opened",
            sweep=tracker.sweep,
            num_runs=tracker.num_runs,
            num_done_before=tracker.num_before,
            num_trials=len(tracker.plans),
            num_slots=tracker.num_slots,
        )

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        """The report, with its label."""
        self._write("run_finished", label=tracker.labels[run.run_id], **asdict(run))

    def notice(self, text: str) -> None:
        """The text."""
        self._write("notice", text=text)

    def tick(self, tracker: Tracker) -> None:
        """Counts and trials, every few seconds."""
        if time.monotonic() - self._last_state >= self.SECONDS_BETWEEN_STATES:
            self._last_state = time.monotonic()
            self._state("progress", tracker)

    def closed(self, tracker: Tracker) -> None:
        """Counts."""
        self._state("closed", tracker)

    def _state(self, event: str, tracker: Tracker) -> None:
        running = []
        for trial in tracker.running.values():
            report = asdict(trial.report)
            del report["finished"]
            running.append(report | {"trial": trial.index, "node": trial.node})
        counts = {"num_ok": tracker.num_ok, "num_failed": tracker.num_failed, "num_runs": tracker.num_runs}
        counts |= {"devices": tracker.devices}
        self._write(event, **counts, seconds_left=tracker.seconds_left(), stopped=tracker.stopped, running=running)

    def _write(self, event: str, **fields: Any) -> None:
        finite = {name: _without_nan(value) for name, value in fields.items()}
        self._stream.write(json.dumps({"event": event, **finite}) + "\n")
        self._stream.flush()


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_nan(item) for name, item in value.items()}
    return value
