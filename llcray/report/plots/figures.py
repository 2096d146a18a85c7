"""The style of figures and the way they are saved: editable text, and the same bytes each time."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from llcray.report.errors import ReportError

FORMATS = ("png", "svg", "pdf")
DOTS_PER_INCH = 180
DOTS_PER_INCH_IN_NOTEBOOKS = 110
STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#4D4D4D",
    "axes.grid": True,
    "axes.labelcolor": "#1A1A1A",
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8.5,
    "axes.titleweight": "regular",
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "llcray",
    # A label of the user's with dollars is no formula.
    "text.parse_math": False,
    "xtick.color": "#4D4D4D",
    "xtick.labelsize": 7.5,
    "ytick.color": "#4D4D4D",
    "ytick.labelsize": 7.5,
}
SAVING: dict[str, dict[str, Any]] = {
    "png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}},
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
}
"""No dates; PNG packed quickly rather than tightly."""


class ShownFigure(Figure):
    """A figure that a notebook shows, also where pyplot has not been imported."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        with style():
            self.savefig(stream, format="png", dpi=DOTS_PER_INCH_IN_NOTEBOOKS)
        return stream.getvalue()


@contextmanager
def style() -> Iterator[None]:
    """Give every figure that is made inside this context the same style."""
    with mpl.rc_context(STYLE):  # pyright: ignore[reportArgumentType]
        yield


def save(figure: Figure, path: Path) -> Path:
    """Write a figure whole or not at all; the same figure gives the same bytes.

    Raises:
        ReportError: The ending is no known format, or the file cannot be written.
    """
    form = path.suffix.removeprefix(".")
    if form not in FORMATS:
        raise ReportError(f"'{path}' has no known form: name it .png, .svg or .pdf.")
    draft = path.with_name(f".{path.stem}.draft.{form}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with style():
            figure.savefig(draft, dpi=DOTS_PER_INCH, **SAVING[form])
        draft.replace(path)
    except OSError as error:
        raise ReportError(f"'{path}' cannot be written: {error.strerror}. Choose another place with -o.") from error
    return path
