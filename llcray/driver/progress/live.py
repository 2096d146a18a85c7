"""Shows a sweep on a terminal: a bar with the time left, a line for each trial under way, and failures above them.

The lines fit into 80 columns; labels are shortened first.
"""

import time

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from llcray.driver.progress.failures import FailuresOnly
from llcray.driver.progress.reports import running_text
from llcray.driver.progress.tracker import Running, Tracker
from llcray.driver.wording import duration

MAX_TRIALS_SHOWN = 12
SECONDS_BETWEEN_FRAMES = 0.25


class LiveView(FailuresOnly):
    """Redraws a few lines at the bottom of the terminal; failures and notices are printed above them and stay."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._last_frame = 0.0

    def opened(self, tracker: Tracker) -> None:
        self._live.start()
        self._draw(tracker)

    def tick(self, tracker: Tracker) -> None:
        """Draws a frame, four times a second at most."""
        if time.monotonic() - self._last_frame >= SECONDS_BETWEEN_FRAMES:
            self._draw(tracker)

    def closed(self, tracker: Tracker) -> None:
        """Clears the frame."""
        self._live.stop()

    def _draw(self, tracker: Tracker) -> None:
        self._last_frame = time.monotonic()
        self._live.update(frame(tracker), refresh=True)


def frame(tracker: Tracker) -> Group:
    """Lays out the bar and the trials under way."""
    shown = sorted(tracker.running.values(), key=lambda running: running.started)[:MAX_TRIALS_SHOWN]
    trials = Table.grid(padding=(0, 1), expand=True)
    for ratio, wrap in ((3, False), (0, False), (0, False), (0, False)):
        trials.add_column(ratio=ratio or None, no_wrap=not wrap, overflow="ellipsis")
    for running in shown:
        trials.add_row(*_cells(running, tracker))
    more = len(tracker.running) - len(shown)
    return Group(_bar(tracker), trials, *([Text(f"  and {more} more trials", style="dim")] if more else []))


def _bar(tracker: Tracker) -> Table:
    left = tracker.seconds_left()
    bar = Table.grid(padding=(0, 1), expand=True)
    bar.add_column(no_wrap=True, overflow="ellipsis", max_width=24)
    bar.add_column(ratio=1)
    bar.add_column(no_wrap=True)
    counts = Text(f"{len(tracker.finished)}/{tracker.num_runs} runs")
    if tracker.num_failed:
        counts.append(f", {tracker.num_failed} failed", style="red")
    counts.append(f"  {tracker.devices}", style="dim")
    if left is not None:
        counts.append(f"  {duration(left)} left")
    done = ProgressBar(total=max(1, tracker.num_runs), completed=len(tracker.finished))
    bar.add_row(Text(tracker.sweep, style="bold"), done, counts)
    return bar


def _cells(running: Running, tracker: Tracker) -> tuple[Text, Text, Text, Text]:
    report = running.report
    share = f"{100 * report.fraction:3.0f}%" if report.fraction else duration(time.monotonic() - running.started)
    return (
        Text("  " + tracker.label_of(running)),
        Text(report.phase, style="cyan"),
        Text(share),
        Text(running_text(report)),
    )
