"""The marks of one series: means with two error bars, the single runs behind them, and doubtful estimates."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from llcray.report.colors import VERDICT_LOOKS
from llcray.report.plots.scale import STEP, Scale
from llcray.report.plots.series import Series
from llcray.report.verdict_filter import doubtful, trusted

POINTS_PER_INCH = 72
MARKER_SIZE = 4.5
SMALL_SIZE = 2.4
OPEN_SIZE = 7.0
SIGN = {"markersize": 3.4, "markeredgewidth": 0.8}
"""The sign of a verdict inside an open marker."""
THIN, THICK = 0.8, 2.6
COUNT_SIZE = 5.5
MAX_SINGLE_RUNS = 600
"""Of a series in a panel; more than this many small marks would hide the means."""
KNOWN_COLOR = "#1A1A1A"
VALUE_COLOR = "#555555"


class Placement(NamedTuple):
    """The place of a series in its panel.

    Attributes:
        x: Column along the x axis.
        y: Column of the number.
        scale: Positions of the values of x.
        aside: How far the series is moved to the right of its place, in points.
        joined: Whether a line joins the means of the same targets.
        counted: Whether the number of runs stands beside each mean.
    """

    x: str
    y: str
    scale: Scale
    aside: float
    joined: bool
    counted: bool


def draw_series(axes: Axes, runs: pl.DataFrame, points: pl.DataFrame, placement: Placement, series: Series) -> None:
    """Draw one series, moved aside so that neighbours stay readable on any scale.

    Args:
        axes: The panel.
        runs: Runs of the series, as `llcray.report.aggregate.with_matches` marks them.
        points: Its means, as `aggregate` gives them.
        placement: Place of the series.
        series: Its look.
    """
    x, y, scale, aside, joined, counted = placement
    inches = ScaledTranslation(aside / POINTS_PER_INCH, 0, axes.figure.dpi_scale_trans)
    moved: dict[str, Any] = {"transform": axes.transData + inches}
    color, marker, line = series.look
    positions = [scale.position(value) for value in points[x]]
    means = points["mean"].to_list()
    for first, end in _stretches(points["members"].to_list()) if joined else ():
        path = {"color": color, "linestyle": line, "linewidth": THIN, "alpha": 0.55, "zorder": 2}
        axes.plot(positions[first:end], means[first:end], **path, **moved)
    if x == STEP:
        _draw_curves(axes, runs, placement, series)
    _draw_single_runs(axes, runs, points, placement, series, moved)
    if counted:
        _write_counts(axes, positions, points, placement, color)
    bars = ((points["spread"], THIN, 3), (points["sampling"], THICK, 4))
    for at, mean, known, *errors in zip(positions, means, points["known"], *(bar[0] for bar in bars), strict=True):
        for error, (_, width, order) in zip(errors, bars, strict=True):
            if error is not None:
                ends = (mean - error, mean + error)
                axes.plot((at, at), ends, color=color, linewidth=width, solid_capstyle="butt", zorder=order, **moved)
        if known is not None:
            _mark(axes, at, known, moved, marker="_", color=KNOWN_COLOR, markersize=6.5, markeredgewidth=1.3, zorder=6)
        _mark(axes, at, mean, moved, marker=marker, color=color, markersize=MARKER_SIZE, markeredgewidth=0, zorder=5)
    for row in doubtful(runs, y).iter_rows(named=True):
        error = row["llc_sampling_se"] if y == "llc" else None
        estimate = Estimate(scale.position(row[x]), row[y], error, row["outcome"])
        _draw_doubtful(axes, estimate, series, moved)


def has_single_runs(runs: pl.DataFrame, points: pl.DataFrame) -> bool:
    """Whether the runs behind the means are drawn, too."""
    return bool((points["num_runs"] > 1).any()) and runs["is_trusted"].sum() <= MAX_SINGLE_RUNS


def _stretches(members: list[list[str]]) -> Iterator[tuple[int, int]]:
    """The stretches of neighbouring means over the same targets, each as its first place and the one after its last."""
    start = 0
    for place in range(1, len(members) + 1):
        if place == len(members) or members[place] != members[start]:
            yield start, place
            start = place


def _write_counts(axes: Axes, positions: list[float], points: pl.DataFrame, placement: Placement, color: str) -> None:
    """Write the number of runs beside each mean; along training beside the first and where the number changes."""
    counts = points["num_runs"].to_list()
    at = {"textcoords": "offset points", "xytext": (placement.aside + 2.6, 2.2), "fontsize": COUNT_SIZE, "zorder": 7}
    for place, (position, mean, count) in enumerate(zip(positions, points["mean"], counts, strict=True)):
        if placement.x != STEP or place == 0 or count != counts[place - 1]:
            axes.annotate(str(count), (position, mean), color=color, **at)


def _draw_single_runs(
    axes: Axes, runs: pl.DataFrame, points: pl.DataFrame, placement: Placement, series: Series, moved: dict[str, Any]
) -> None:
    x, y = placement.x, placement.y
    alone = runs.filter(pl.col("is_trusted") & ~pl.col("is_matched"))
    behind = runs.clear()
    if x != STEP and has_single_runs(runs, points):
        pooled = points.filter(pl.col("num_runs") > 1)
        behind = runs.filter("is_matched").join(pooled, on=x, how="semi", nulls_equal=True)
    drawn = pl.concat([alone, behind])
    positions = [placement.scale.position(value) for value in drawn[x]]
    look = {"color": series.look.color, "marker": series.look.marker, "markersize": SMALL_SIZE, "markeredgewidth": 0}
    axes.plot(positions, drawn[y].to_list(), linestyle="none", alpha=0.55, zorder=2.2, **look, **moved)


def _draw_curves(axes: Axes, runs: pl.DataFrame, placement: Placement, series: Series) -> None:
    """Draw a faint line for each training behind the mean, where there are several."""
    x, y = placement.x, placement.y
    curves = trusted(runs, y).sort(x).partition_by("series_id")
    for curve in curves if len(curves) > 1 else ():
        positions = [placement.scale.position(value) for value in curve[x]]
        axes.plot(positions, curve[y].to_list(), color=series.look.color, linewidth=0.6, alpha=0.4, zorder=1.8)


class Estimate(NamedTuple):
    """One estimate: its position, its value and error, and its verdict."""

    at: float
    value: float
    error: float | None
    verdict: str | None


def _draw_doubtful(axes: Axes, estimate: Estimate, series: Series, moved: dict[str, Any]) -> None:
    """Draw an open marker with the sign of its verdict inside; off the axes it sits at the edge, with its value."""
    low, high = axes.get_ylim()
    at, value, error, verdict = estimate
    shown = min(max(value, low), high)
    color = series.look.color
    if error is not None and shown == value:
        ends = (value - error, value + error)
        axes.plot((at, at), ends, color=color, linewidth=THIN, alpha=0.6, zorder=2.4, **moved)
    open_marker = {"color": color, "markerfacecolor": "white", "markeredgewidth": 0.9, "clip_on": False}
    _mark(axes, at, shown, moved, marker=series.look.marker, markersize=OPEN_SIZE, zorder=2.5, **open_marker)
    look = VERDICT_LOOKS.get(verdict or "")
    if look and look.sign:
        _mark(axes, at, shown, moved, marker=look.sign, zorder=2.6, color=color, clip_on=False, **SIGN)
    if shown != value:
        is_above = value > high
        place = {"xytext": (0, -6), "va": "top"} if is_above else {"xytext": (0, 6), "va": "bottom"}
        # Upright, the values of marks side by side do not touch.
        style = {"fontsize": 5.5, "color": VALUE_COLOR, "rotation": "vertical", "ha": "center"}
        words = f"{value:.3g} →" if is_above else f"← {value:.3g}"
        axes.annotate(words, (at, shown), textcoords="offset points", **place, **style)


def _mark(axes: Axes, at: float, value: float, moved: dict[str, Any], **look: Any) -> None:
    axes.plot([at], [value], linestyle="none", **look, **moved)
