"""The words around a sweep plot: the legend above; below, what bars and markers mean and what is not drawn."""

import textwrap
from collections.abc import Sequence
from typing import Literal

import polars as pl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from llcray.report.colors import VERDICT_LOOKS
from llcray.report.columns import axis_label, label_of
from llcray.report.plots.drawing import Drawing
from llcray.report.plots.marks import KNOWN_COLOR, MARKER_SIZE, OPEN_SIZE, has_single_runs
from llcray.report.plots.series import SAMPLER_COLUMNS, Series
from llcray.report.plots.stage_bands import stages_note
from llcray.report.verdict_filter import FAILED, OUTCOMES, doubtful, num_without, outcome_text

FOOTNOTE_COLOR = "#555555"
FOOTNOTE_SIZE = 6.5
CHARACTERS_PER_INCH = 19.5


def footnote(drawing: Drawing) -> str:
    """Sentences that say what the bars and markers mean, and what is not drawn."""
    runs = drawing.runs
    notes = ["; ".join(_bars(drawing))] if _bars(drawing) else []
    if drawing.layout.pooled:
        notes.append(f"Also pooled: {', '.join(map(label_of, drawing.layout.pooled))}")
    if num_doubtful := doubtful(runs, drawing.y).height:
        notes.append(f"{num_doubtful} not to be trusted (open markers), in no mean")
    if num_failed := runs.filter(pl.col("outcome") == FAILED).height:
        notes.append(f"{num_failed} of {runs.height} runs failed: no point")
    if num_missing := num_without(runs, drawing.y):
        notes.append(f"{num_missing} of {runs.height} runs without a finite {label_of(drawing.y)}")
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
    """Write the footnote below the panels."""
    words = "\n".join(textwrap.wrap(footnote(drawing), int(figure.get_figwidth() * CHARACTERS_PER_INCH)))
    figure.supxlabel(words, fontsize=FOOTNOTE_SIZE, color=FOOTNOTE_COLOR, x=0.01, ha="left")


def add_legend(figure: Figure, drawing: Drawing, series: Sequence[Series]) -> None:
    """List series, known answer and verdicts: in one row where they fit, else verdicts in a row of their own."""
    first = [_entry(*one_series.look, one_series.name) for one_series in series if one_series.name]
    if drawing.y == "llc" and drawing.runs["true_llc"].is_not_null().any():
        first.append(_entry(KNOWN_COLOR, "_", "none", "known answer"))
    drawn = set(doubtful(drawing.runs, drawing.y)["outcome"])
    second = [_verdict_entry(verdict) for verdict in OUTCOMES if verdict in drawn]
    size = _entries_a_row([*first, *second], figure.get_figwidth())
    together = _rows([*first, *second], size)
    rows = together if len(together) < 2 else [*_rows(first, size), *_rows(second, size)]
    if rows:
        num_columns = max(map(len, rows))
        nothing = _entry("none", "", "none", "")
        filled = [row + [nothing] * (num_columns - len(row)) for row in rows]
        in_columns = [entry for column in zip(*filled, strict=True) for entry in column]
        title = None if drawing.color in (None, *SAMPLER_COLUMNS) else axis_label(drawing.color)
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


def _verdict_entry(verdict: str) -> Line2D:
    look = VERDICT_LOOKS[verdict]
    face, edge = (FOOTNOTE_COLOR, 0.2) if look.sign else ("white", 0.9)
    entry = _entry(FOOTNOTE_COLOR, look.in_legend, "none", outcome_text(verdict))
    entry.set(markerfacecolor=face, markeredgewidth=edge, markersize=OPEN_SIZE)
    return entry
