"""What is said around a sweep plot: the legend above, and below it what bars and markers mean and what is not drawn."""

import textwrap
from collections.abc import Sequence
from typing import Literal

import polars as pl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from llcray.report.aggregate import doubtful, without_number
from llcray.report.colors import VERDICT_SIGNS
from llcray.report.columns import SAMPLER, label, spoken
from llcray.report.plots.drawing import Drawing
from llcray.report.plots.marks import KNOWN_COLOR, MARKER_SIZE, OPEN_SIZE, has_single_runs
from llcray.report.plots.series import Series
from llcray.report.plots.stage_bands import stages_note
from llcray.report.verdict_filter import FAILED

FOOTNOTE_COLOR = "#555555"
FOOTNOTE_SIZE = 6.5
CHARACTERS_PER_INCH = 19.5
VERDICT_MARKERS = {
    "": ("o", "white", 0.9),
    ".": ("$\\odot$", FOOTNOTE_COLOR, 0.2),
    "+": ("$\\oplus$", FOOTNOTE_COLOR, 0.2),
    "x": ("$\\otimes$", FOOTNOTE_COLOR, 0.2),
}
"""Marker, face, width of the edge."""


def footnote(drawing: Drawing) -> str:
    """What the bars and markers mean, and what is not drawn."""
    runs = drawing.runs
    notes = ["; ".join(_bars(drawing))] if _bars(drawing) else []
    if drawing.layout.pooled:
        notes.append(f"Also pooled: {', '.join(map(spoken, drawing.layout.pooled))}")
    if num_doubtful := doubtful(runs, drawing.y).height:
        notes.append(f"{num_doubtful} not to be trusted (open markers), in no mean")
    if num_failed := runs.filter(pl.col("trust") == FAILED).height:
        notes.append(f"{num_failed} of {runs.height} runs failed: no point")
    if num_without := without_number(runs, drawing.y):
        notes.append(f"{num_without} of {runs.height} runs without a finite {spoken(drawing.y)}")
    if words := stages_note(drawing):
        notes.append(words)
    return ". ".join(notes) + "." if notes else ""


def _bars(drawing: Drawing) -> list[str]:
    groups = drawing.aggregated()
    counts = pl.concat([group["num_runs"] for group in groups]).to_list() if groups else [0]
    fewest, most = min(counts), max(counts)
    bars = []
    if most > 1:
        of = most if fewest == most else f"{fewest} to {most}"
        single = any(has_single_runs(drawing.runs, group, drawing.y) for group in groups)
        runs = "runs (small markers)" if single else "runs"
        bars.append(f"Mean of {of} {runs}; thin bar: ± 1 sd between them")
    if drawing.y == "llc":
        of_what = " of the mean" if most > 1 else ""
        bars.append(f"thick bar: ± 1 Monte Carlo standard error{of_what}, where wider than the marker")
    return bars


def add_footnote(figure: Figure, drawing: Drawing) -> None:
    """The footnote, below the panels."""
    words = "\n".join(textwrap.wrap(footnote(drawing), int(figure.get_figwidth() * CHARACTERS_PER_INCH)))
    figure.supxlabel(words, fontsize=FOOTNOTE_SIZE, color=FOOTNOTE_COLOR, x=0.01, ha="left")


def add_legend(figure: Figure, drawing: Drawing, series: Sequence[Series]) -> None:
    """Series, known answer and verdicts: in one row where they fit, else verdicts in a row of their own."""
    first = [_entry(*one.look, one.name) for one in series if one.name]
    if drawing.y == "llc" and drawing.runs["true_llc"].is_not_null().any():
        first.append(_entry(KNOWN_COLOR, "_", "none", "known answer"))
    seen = set(doubtful(drawing.runs, drawing.y)["trust"])
    second = [_verdict_entry(verdict, sign) for verdict, sign in VERDICT_SIGNS.items() if verdict in seen]
    size = _entries_a_row([*first, *second], figure.get_figwidth())
    together = _rows([*first, *second], size)
    rows = together if len(together) < 2 else [*_rows(first, size), *_rows(second, size)]
    if rows:
        num_columns = max(map(len, rows))
        nothing = _entry("none", "", "none", "")
        filled = [row + [nothing] * (num_columns - len(row)) for row in rows]
        in_columns = [entry for column in zip(*filled, strict=True) for entry in column]
        title = None if drawing.color in (None, SAMPLER, "sampler_kind") else label(drawing.color)
        place = {"loc": "outside upper center", "ncols": num_columns, "columnspacing": 1.4}
        figure.legend(handles=in_columns, title=title, title_fontsize=8, **place)


def _entries_a_row(entries: list[Line2D], inches: float) -> int:
    """How many fit; columns are shared by all rows, so the widest entry of all counts."""
    widest = 0.55 + 0.065 * max((len(str(entry.get_label())) for entry in entries), default=0)
    return max(1, int(inches / widest))


def _rows(entries: list[Line2D], size: int) -> list[list[Line2D]]:
    """Legend entries in as many rows as they need."""
    return [entries[start : start + size] for start in range(0, len(entries), size)]


def _entry(color: str, marker: str, line: Literal["-", "--", "-.", ":", "none"], name: str) -> Line2D:
    return Line2D([], [], color=color, marker=marker, linestyle=line, markersize=MARKER_SIZE + 0.5, label=name)


def _verdict_entry(verdict: str, sign: str) -> Line2D:
    marker, fill, edge = VERDICT_MARKERS[sign]
    entry = _entry(FOOTNOTE_COLOR, marker, "none", verdict.replace("_", " "))
    entry.set(markerfacecolor=fill, markeredgewidth=edge, markersize=OPEN_SIZE)
    return entry
