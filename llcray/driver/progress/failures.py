"""Shows of a sweep its failures and notices alone."""

from llcray_storage.schema.status import FAILED
from rich.console import Console

from llcray.driver.progress.reports import RunReport, run_line
from llcray.driver.progress.tracker import Tracker


class FailuresOnly:
    """Prints failures and notices."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def opened(self, tracker: Tracker) -> None:
        """Shows nothing."""

    def run_finished(self, tracker: Tracker, run: RunReport) -> None:
        """Prints a line for a failed run."""
        if run.status == FAILED:
            self.notice(run_line(run, tracker.labels[run.run_id]))

    def notice(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def tick(self, tracker: Tracker) -> None:
        """Shows nothing."""

    def closed(self, tracker: Tracker) -> None:
        """Shows nothing."""
