"""The marks of one series: means with two error bars, the single runs behind them, and doubtful estimates."""

from typing import Any, NamedTuple

import polars as pl
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from llcray.report.aggregate import aggregate, doubtful, trusted
from llcray.report.colors import VERDICT_SIGNS
from llcray.report.plots.scale import STEP, Scale
from llcray.report.plots.series import Series

POINTS_PER_INCH = 72
MARKER_SIZE = 4.5
SMALL_SIZE = 2.4
OPEN_SIZE = 7.0
THIN, THICK = 0.8, 2.6
MAX_SINGLE_RUNS = 600
"""Of a series in a panel; more than this many small marks would hide the means."""
KNOWN_COLOR = "#1A1A1A"
VALUE_COLOR = "#555555"


class Course(NamedTuple):
    """Where a series is drawn: columns, scale, and how far aside of its neighbours, in points."""

    x: str
    y: str
    scale: Scale
    aside: float


def draw_series(axes: Axes, runs: pl.DataFrame, course: Course, series: Series) -> None:
    """One series, moved aside so that neighbours stay readable on any scale."""
    inches = ScaledTranslation(course.aside / POINTS_PER_INCH, 0, axes.figure.dpi_scale_trans)
    place: dict[str, Any] = {"transform": axes.transData + inches}
    color, marker, line = series.look
    points = aggregate(runs, [course.x], course.y)
    positions = [course.scale.position(value) for value in points[course.x]]
    means = points["mean"].to_list()
    if course.scale.numeric:
        axes.plot(positions, means, color=color, linestyle=line, linewidth=THIN, alpha=0.55, zorder=2, **place)
    if course.x == STEP:
        _draw_curves(axes, runs, course, series)
    else:
        _draw_single_runs(axes, runs, points, course, series, place)
    bars = ((points["spread"], THIN, 3), (points["mcse"], THICK, 4))
    for at, mean, known, *errors in zip(positions, means, points["known"], *(bar[0] for bar in bars), strict=True):
        for error, (_, width, order) in zip(errors, bars, strict=True):
            if error is not None:
                ends = (mean - error, mean + error)
                axes.plot((at, at), ends, color=color, linewidth=width, solid_capstyle="butt", zorder=order, **place)
        if known is not None:
            _mark(axes, at, known, place, marker="_", color=KNOWN_COLOR, markersize=6.5, markeredgewidth=1.3, zorder=6)
        _mark(axes, at, mean, place, marker=marker, color=color, markersize=MARKER_SIZE, markeredgewidth=0, zorder=5)
    for row in doubtful(runs, course.y).iter_rows(named=True):
        error = row["llc_mcse"] if course.y == "llc" else None
        estimate = Estimate(course.scale.position(row[course.x]), row[course.y], error, row["trust"])
        _draw_doubtful(axes, estimate, series, place)


def has_single_runs(runs: pl.DataFrame, points: pl.DataFrame, y: str) -> bool:
    """Whether the runs behind the means are drawn, too."""
    pooled = points.filter(pl.col("num_runs") > 1)
    return not pooled.is_empty() and trusted(runs, y).height <= MAX_SINGLE_RUNS


def _draw_single_runs(
    axes: Axes, runs: pl.DataFrame, points: pl.DataFrame, course: Course, series: Series, place: dict[str, Any]
) -> None:
    if not has_single_runs(runs, points, course.y):
        return
    pooled = trusted(runs, course.y).join(points.filter(pl.col("num_runs") > 1), on=course.x, how="semi")
    positions = [course.scale.position(value) for value in pooled[course.x]]
    look = {"color": series.look.color, "marker": series.look.marker, "markersize": SMALL_SIZE, "markeredgewidth": 0}
    axes.plot(positions, pooled[course.y].to_list(), linestyle="none", alpha=0.55, zorder=2.2, **look, **place)


def _draw_curves(axes: Axes, runs: pl.DataFrame, course: Course, series: Series) -> None:
    """A faint line for each training behind the mean, where there are several."""
    curves = trusted(runs, course.y).sort(course.x).partition_by("series_id")
    for curve in curves if len(curves) > 1 else ():
        positions = [course.scale.position(value) for value in curve[course.x]]
        axes.plot(positions, curve[course.y].to_list(), color=series.look.color, linewidth=0.6, alpha=0.4, zorder=1.8)


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
        axes.plot((at, at), ends, color=series.look.color, linewidth=THIN, alpha=0.6, zorder=2.4, **place)
    open_marker = {"color": series.look.color, "markerfacecolor": "white", "markeredgewidth": 0.9, "clip_on": False}
    _mark(axes, at, shown, place, marker=series.look.marker, markersize=OPEN_SIZE, zorder=2.5, **open_marker)
    if sign := VERDICT_SIGNS.get(verdict, ""):
        small = {"color": series.look.color, "markersize": 3.4, "markeredgewidth": 0.8, "clip_on": False}
        _mark(axes, at, shown, place, marker=sign, zorder=2.6, **small)
    if shown != value:
        words, side = (f"↑ {value:.3g}", -9) if value > high else (f"↓ {value:.3g}", 5)
        axes.annotate(words, (at, shown), xytext=(3, side), textcoords="offset points", fontsize=5.5, color=VALUE_COLOR)


def _mark(axes: Axes, at: float, value: float, place: dict[str, Any], **look: Any) -> None:
    axes.plot([at], [value], linestyle="none", **look, **place)
