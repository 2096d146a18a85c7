"""Shows of a sweep its failures and notices alone."""

from llcray_storage.schema.status import FAILED
from rich.console import Console
from rich.text import Text

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
            self._print(run_line(run, tracker.labels[run.run_id]), "red")

    def notice(self, text: str) -> None:
        self._print(text, "yellow")

    def tick(self, tracker: Tracker) -> None:
        """Shows nothing."""

    def closed(self, tracker: Tracker) -> None:
        """Shows nothing."""

    def _print(self, line: str, style: str) -> None:
        self._console.print(Text(line, style=style), soft_wrap=True)
