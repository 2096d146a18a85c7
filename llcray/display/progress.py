"""The progress of one call that takes a while, in a notebook or on a terminal; nowhere else."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, Protocol

SECONDS_BETWEEN_FRAMES = 0.25


class Bar(Protocol):
    """Shows how far a call is."""

    def show(self, fraction: float, text: str) -> None:
        """Shows a share in [0, 1] and a few words."""
        ...


class NoBar:
    """Shows nothing, for scripts and files."""

    def show(self, fraction: float, text: str) -> None:
        del fraction, text


@contextmanager
def progress_bar(title: str) -> Iterator[Bar]:
    """A bar that is there while the block runs: in a notebook, or where standard error is a terminal."""
    if in_notebook():
        with _notebook_bar(title) as bar:
            yield bar
    elif sys.stderr.isatty():
        with _terminal_bar(title) as bar:
            yield bar
    else:
        yield NoBar()


def in_notebook() -> bool:
    """Whether the code runs in the kernel of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "IPKernelApp" in shell.config


def show_html(html: str) -> Any:
    """Shows HTML in a notebook; the returned handle's `update` replaces it."""
    from IPython.display import HTML, display  # pyright: ignore[reportMissingImports]

    handle = display(HTML(html), display_id=True)
    return _Shown(handle, HTML)


class _Shown:
    """HTML that is shown in a notebook and can be replaced."""

    def __init__(self, handle: Any, html: Any) -> None:
        self._handle = handle
        self._html = html

    def update(self, html: str) -> None:
        """Replaces what is shown."""
        self._handle.update(self._html(html))


class _NotebookBar:
    """A bar of HTML."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._last = time.monotonic()
        self._shown = show_html(bar_html(0.0, title))

    def show(self, fraction: float, text: str) -> None:
        """Redraws the bar, four times a second at most."""
        if time.monotonic() - self._last >= SECONDS_BETWEEN_FRAMES:
            self._last = time.monotonic()
            self._shown.update(bar_html(fraction, f"{self._title}: {text}"))

    def clear(self) -> None:
        """Leaves nothing behind."""
        self._shown.update("")


def bar_html(fraction: float, text: str) -> str:
    """A bar with a text beside it."""
    return f'<progress max="1" value="{fraction:.3f}" style="width:16em"></progress> <span>{escape(text)}</span>'


@contextmanager
def _notebook_bar(title: str) -> Iterator[Bar]:
    bar = _NotebookBar(title)
    try:
        yield bar
    finally:
        bar.clear()


@contextmanager
def _terminal_bar(title: str) -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(title, total=1.0, text="")
        yield _TerminalBar(shown, task)


class _TerminalBar:
    """A bar of rich's."""

    def __init__(self, shown: Any, task: Any) -> None:
        self._shown = shown
        self._task = task

    def show(self, fraction: float, text: str) -> None:
        """Redraws the bar."""
        self._shown.update(self._task, completed=fraction, text=text)
