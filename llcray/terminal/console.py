"""The terminal of every command."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from llcray.terminal.text import encodable, printable, stop_stream


class Terminal(Console):
    """A console for text that is not ours: labels, reasons, questions, rows.

    Nothing is read as markup or as an emoji's name, characters that a terminal obeys are replaced, and characters that
    the stream cannot encode are spelled out. Output never ends the work: when the reader of a pipe has left, or the
    terminal is gone, the rest is not printed.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(encodable(printable(segment.text), self.encoding), segment.style)

    def on_broken_pipe(self) -> None:
        self._stop_printing()

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError:
            self._stop_printing()

    def _stop_printing(self) -> None:
        self.quiet = True
        del self._buffer[:]
        stop_stream(self.file)
