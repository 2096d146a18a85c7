"""The plot of a sweep: a number against an axis, means over seeds with two error bars, doubt shown as open markers.

The thin bar is the standard deviation between seeds: how much targets differ. The thick bar is the Monte Carlo standard
error of the mean: how well it is known. Estimates that are not `ok` enter no mean and are drawn one by one.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from llcray.report.aggregate import aggregate, doubtful, without_number
from llcray.report.colors import VERDICT_SIGNS
from llcray.report.columns import SAMPLER, label, spoken
from llcray.report.figures import style
from llcray.report.panels import Layout, Panel
from llcray.report.scale import Scale, plain_log_ticks, scale_of, spans_decades
from llcray.report.series import Series, series_of
from llcray.report.trust import FAILED

POINTS_PER_INCH = 72
DODGE_POINTS = 6.5
MAX_DODGE_POINTS = 30.0
MARKER_SIZE = 4.5
KNOWN_COLOR = "#1A1A1A"
FOOTNOTE_COLOR = "#555555"
OPEN_SIZE = 7.0
VERDICT_MARKERS = {
    "": ("o", "white", 0.9),
    ".": ("$\\odot$", FOOTNOTE_COLOR, 0.2),
    "+": ("$\\oplus$", FOOTNOTE_COLOR, 0.2),
    "x": ("$\\otimes$", FOOTNOTE_COLOR, 0.2),
}
"""For the legend: marker, face, width of the edge."""

PANEL_SIZES = {1: (4.6, 3.1), 2: (3.0, 2.5), 3: (2.5, 2.3), 4: (2.15, 2.1)}


@dataclass(frozen=True)
class Drawing:
    """What is drawn.

    Attributes:
        layout: Panels and their runs, with the columns `sampler` and `trust`.
        y: The number.
        color: Column that tells series apart; None for one series.
        log_x: Whether x axes are logarithmic; None to choose.
        log_y: The same for y.
    """

    layout: Layout
    y: str
    color: str | None
    log_x: bool | None = None
    log_y: bool | None = None

    @property
    def runs(self) -> pl.DataFrame:
        """The runs of all panels, each once."""
        return pl.concat([panel.runs for panel in self.layout.panels]).unique("run_id", maintain_order=True)


def draw(drawing: Drawing) -> Figure:
    """The figure; save it with `llcray.report.figures.save`."""
    layout = drawing.layout
    num_columns = layout.num_columns
    num_rows = -(-len(layout.panels) // num_columns)
    width, height = PANEL_SIZES[min(num_columns, 4)]
    with style():
        figure = Figure(figsize=(width * num_columns, height * num_rows + 0.75), layout="constrained")
        grid = figure.subplots(num_rows, num_columns, sharey=True, squeeze=False)
        axes = list(grid.flat)
        for spare in axes[len(layout.panels) :]:
            spare.set_visible(False)
        series = series_of(drawing.runs, drawing.color)
        low, high, logarithmic = _y_range(drawing)
        if logarithmic:
            axes[0].set_yscale("log")
            plain_log_ticks(axes[0].yaxis, low, high)
        axes[0].set_ylim(low, high)
        for one, panel in zip(axes, layout.panels, strict=False):
            _draw_panel(one, panel, drawing, series)
        for row in grid:
            row[0].set_ylabel(textwrap.fill(label(drawing.y), int(height * 13)))
        _legend(figure, drawing, series)
        figure.align_xlabels()
        words = _wrapped(footnote(drawing), width * num_columns)
        figure.supxlabel(words, fontsize=6.5, color=FOOTNOTE_COLOR, x=0.01, ha="left")
    return figure


def footnote(drawing: Drawing) -> str:
    """What the bars and markers mean, and what is not drawn."""
    runs = drawing.runs
    groups = _aggregated(drawing)
    most = max((int(group["num_runs"].max() or 0) for group in groups), default=0)  # pyright: ignore[reportArgumentType]
    notes = []
    if most > 1:
        fewest = min(int(group["num_runs"].min() or 0) for group in groups)  # pyright: ignore[reportArgumentType]
        notes.append(f"Mean of {most if fewest == most else f'{fewest} to {most}'} runs; thin bar: ± 1 sd between them")
    if drawing.y == "llc":
        of_what = " of the mean" if most > 1 else ""
        notes.append(f"thick bar: ± 1 Monte Carlo standard error{of_what}, where wider than the marker")
    notes = ["; ".join(notes)] if notes else []
    if drawing.layout.pooled:
        notes.append(f"Also pooled: {', '.join(map(spoken, drawing.layout.pooled))}")
    if num_doubtful := doubtful(runs, drawing.y).height:
        notes.append(f"{num_doubtful} not to be trusted (open markers), in no mean")
    if num_failed := runs.filter(pl.col("trust") == FAILED).height:
        notes.append(f"{num_failed} of {runs.height} runs failed: no point")
    if num_without := without_number(runs, drawing.y):
        notes.append(f"{num_without} of {runs.height} runs without a finite {spoken(drawing.y)}")
    return ". ".join(notes) + "." if notes else ""


def _aggregated(drawing: Drawing) -> list[pl.DataFrame]:
    by = [] if drawing.color is None else [drawing.color]
    groups = [aggregate(panel.runs, [*dict.fromkeys([panel.x, *by])], drawing.y) for panel in drawing.layout.panels]
    return [group for group in groups if not group.is_empty()]


def _draw_panel(axes: Axes, panel: Panel, drawing: Drawing, series: Sequence[Series]) -> None:
    everything = pl.concat([other.runs for other in drawing.layout.panels if other.x == panel.x])
    reached = everything.filter(pl.col("trust") != FAILED)
    drawn = everything if reached.is_empty() else reached
    scale = scale_of(drawn[panel.x], drawing.log_x)
    scale.set_up(axes.xaxis, axes.set_xlim, axes.set_xscale)
    axes.set_xlabel(label(panel.x))
    axes.set_title(panel.title)
    axes.grid(visible=False, axis="x")
    if not scale.numeric and max(len(text.get_text()) for text in axes.get_xticklabels()) * len(scale.values) > 32:
        axes.tick_params(axis="x", labelrotation=30)
        for text in axes.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
    step = min(DODGE_POINTS, MAX_DODGE_POINTS / len(series)) if drawing.color != panel.x else 0.0
    for index, one in enumerate(series):
        offset = (index - (len(series) - 1) / 2) * step
        inside = panel.runs if drawing.color is None else panel.runs.filter(pl.col(drawing.color).eq_missing(one.value))
        if not inside.is_empty():
            _draw_series(axes, inside, panel.x, drawing.y, scale, one, offset)


def _draw_series(axes: Axes, runs: pl.DataFrame, x: str, y: str, scale: Scale, series: Series, offset: float) -> None:
    """One series, moved sideways by `offset` points so that neighbours stay readable on any scale."""
    inches = ScaledTranslation(offset / POINTS_PER_INCH, 0, axes.figure.dpi_scale_trans)
    place: dict[str, Any] = {"transform": axes.transData + inches}
    color, marker, line = series.look
    points = aggregate(runs, [x], y)
    positions = [scale.position(value) for value in points[x]]
    means = points["mean"].to_list()
    if scale.numeric:
        axes.plot(positions, means, color=color, linestyle=line, linewidth=0.8, alpha=0.55, zorder=2, **place)
    bars = ((points["spread"], 0.8, 3), (points["mcse"], 2.6, 4))
    for at, mean, known, *errors in zip(positions, means, points["known"], *(bar[0] for bar in bars), strict=True):
        for error, (_, width, order) in zip(errors, bars, strict=True):
            if error is not None:
                ends = (mean - error, mean + error)
                axes.plot((at, at), ends, color=color, linewidth=width, solid_capstyle="butt", zorder=order, **place)
        if known is not None:
            _mark(axes, at, known, place, marker="_", color=KNOWN_COLOR, markersize=6.5, markeredgewidth=1.3, zorder=6)
        _mark(axes, at, mean, place, marker=marker, color=color, markersize=MARKER_SIZE, markeredgewidth=0, zorder=5)
    for row in doubtful(runs, y).iter_rows(named=True):
        error = row["llc_mcse"] if y == "llc" else None
        _draw_doubtful(axes, Estimate(scale.position(row[x]), row[y], error, row["trust"]), series, place)


class Estimate(NamedTuple):
    """One estimate: where it goes, its value and error, its verdict."""

    at: float
    value: float
    error: float | None
    verdict: str


def _draw_doubtful(axes: Axes, estimate: Estimate, series: Series, place: dict[str, Any]) -> None:
    """An open marker with the sign of its verdict inside; outside the axes it sits at the edge, with its value."""
    low, high = axes.get_ylim()
    at, value, error, verdict = estimate
    shown = min(max(value, low), high)
    if error is not None and shown == value:
        ends = (value - error, value + error)
        axes.plot((at, at), ends, color=series.look.color, linewidth=0.8, alpha=0.6, zorder=2.4, **place)
    open_marker = {"color": series.look.color, "markerfacecolor": "white", "markeredgewidth": 0.9, "clip_on": False}
    _mark(axes, at, shown, place, marker=series.look.marker, markersize=OPEN_SIZE, zorder=2.5, **open_marker)
    if sign := VERDICT_SIGNS.get(verdict, ""):
        small = {"color": series.look.color, "markersize": 3.4, "markeredgewidth": 0.8, "clip_on": False}
        _mark(axes, at, shown, place, marker=sign, zorder=2.6, **small)
    if shown != value:
        words, side = (f"↑ {value:.3g}", -9) if value > high else (f"↓ {value:.3g}", 5)
        axes.annotate(
            words, (at, shown), xytext=(3, side), textcoords="offset points", fontsize=5.5, color=FOOTNOTE_COLOR
        )


def _mark(axes: Axes, at: float, value: float, place: dict[str, Any], **look: Any) -> None:
    axes.plot([at], [value], linestyle="none", **look, **place)


def _y_range(drawing: Drawing) -> tuple[float, float, bool]:
    """Limits that hold all trusted points with bars and known answers, and the doubtful ones that are not far off."""
    ends: list[float] = []
    for group in _aggregated(drawing):
        error = pl.max_horizontal(pl.col("spread").fill_null(0), pl.col("mcse").fill_null(0))
        bars = group.select(low=pl.col("mean") - error, high=pl.col("mean") + error, known="known")
        ends += [value for column in bars.get_columns() for value in column.drop_nulls()]
    others = doubtful(drawing.runs, drawing.y)[drawing.y].to_list()
    if not ends:
        ends = others or [0.0, 1.0]
    low, high = min(ends), max(ends)
    room = (high - low) or abs(high) or 1.0
    near = [value for value in others if low - room <= value <= high + room]
    low, high = min([low, *near]), max([high, *near])
    if spans_decades(low, high) if drawing.log_y is None else drawing.log_y and low > 0:
        return low / (high / low) ** 0.06, high * (high / low) ** 0.06, True
    margin = 0.06 * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin, False


def _legend(figure: Figure, drawing: Drawing, series: Sequence[Series]) -> None:
    """Series and known answer in the first row, verdicts in the second."""
    first = [_entry(*one.look, one.name) for one in series if one.name]
    if drawing.y == "llc" and drawing.runs["true_llc"].is_not_null().any():
        first.append(_entry(KNOWN_COLOR, "_", "none", "known answer"))
    seen = set(doubtful(drawing.runs, drawing.y)["trust"])
    second = [_verdict_entry(verdict, sign) for verdict, sign in VERDICT_SIGNS.items() if verdict in seen]
    rows = [*_rows(first, figure.get_figwidth()), *_rows(second, figure.get_figwidth())]
    if rows:
        num_columns = max(map(len, rows))
        nothing = _entry("none", "", "none", "")
        filled = [row + [nothing] * (num_columns - len(row)) for row in rows]
        in_columns = [entry for column in zip(*filled, strict=True) for entry in column]
        title = None if drawing.color in (None, SAMPLER, "sampler_kind") else label(drawing.color)
        place = {"loc": "outside upper center", "ncols": num_columns, "columnspacing": 1.4}
        figure.legend(handles=in_columns, title=title, title_fontsize=8, **place)


def _rows(entries: list[Line2D], inches: float) -> list[list[Line2D]]:
    """Legend entries in as many rows as they need."""
    if not entries:
        return []
    widest = 0.55 + 0.065 * max(len(str(entry.get_label())) for entry in entries)
    size = max(1, int(inches / widest))
    return [entries[start : start + size] for start in range(0, len(entries), size)]


def _entry(color: str, marker: str, line: Literal["-", "--", "-.", ":", "none"], name: str) -> Line2D:
    return Line2D([], [], color=color, marker=marker, linestyle=line, markersize=MARKER_SIZE + 0.5, label=name)


def _verdict_entry(verdict: str, sign: str) -> Line2D:
    marker, fill, edge = VERDICT_MARKERS[sign]
    entry = _entry(FOOTNOTE_COLOR, marker, "none", verdict.replace("_", " "))
    entry.set(markerfacecolor=fill, markeredgewidth=edge, markersize=OPEN_SIZE)
    return entry


def _wrapped(text: str, inches: float) -> str:
    return "\n".join(textwrap.wrap(text, int(inches * 19.5)))
