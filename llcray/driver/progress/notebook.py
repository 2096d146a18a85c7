"""Shows a sweep in a notebook: a bar with the time left and a line for each trial under way, gone at the end."""

import time
from html import escape
from typing import Any

from rich.console import Console

from llcray.display.progress import SECONDS_BETWEEN_FRAMES, bar_html, show_html
from llcray.driver.progress.failures import FailuresOnly
from llcray.driver.progress.live import MAX_TRIALS_SHOWN
from llcray.driver.progress.reports import running_text
from llcray.driver.progress.state import state_line
from llcray.driver.progress.tracker import Tracker


class NotebookView(FailuresOnly):
    """Replaces one piece of HTML in the output of a cell; failures and notices are printed and stay."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._shown: Any = None
        self._last_frame = 0.0

    def opened(self, tracker: Tracker) -> None:
        self._shown = show_html(frame(tracker))

    def tick(self, tracker: Tracker) -> None:
        """Draws a frame, four times a second at most."""
        if time.monotonic() - self._last_frame >= SECONDS_BETWEEN_FRAMES:
            self._last_frame = time.monotonic()
            self._shown.update(frame(tracker))

    def closed(self, tracker: Tracker) -> None:
        """Clears the frame."""
        del tracker
        self._shown.update("")


def frame(tracker: Tracker) -> str:
    """The bar and the trials under way, as HTML."""
    done = len(tracker.finished) / max(1, tracker.num_runs)
    shown = sorted(tracker.running.values(), key=lambda running: running.started)[:MAX_TRIALS_SHOWN]
    lines = [bar_html(done, state_line(tracker))]
    for running in shown:
        words = (running.report.phase, tracker.label_of(running), running_text(running.report))
        lines.append(f'<div style="opacity:.65">{escape(" · ".join(word for word in words if word))}</div>')
    return f"<div>{''.join(lines)}</div>"
