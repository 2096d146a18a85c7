"""The plot of a sweep: a number against an axis, means over seeds with two error bars, doubt shown as open markers.

The thin bar is the standard deviation between seeds: how much targets differ. The thick bar is the Monte Carlo standard
error of the mean: how well it is known. Estimates that are not `ok` enter no mean and are drawn one by one.
"""

import textwrap

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from llcray.report.aggregate import doubtful
from llcray.report.columns import label
from llcray.report.plots.drawing import Drawing
from llcray.report.plots.figures import style
from llcray.report.plots.legend import add_footnote, add_legend
from llcray.report.plots.levels import draw_levels
from llcray.report.plots.marks import Course, draw_series
from llcray.report.plots.panels import Panel
from llcray.report.plots.scale import STEP, plain_log_ticks, scale_of, spans_decades
from llcray.report.plots.series import Series, series_of
from llcray.report.plots.stage_bands import draw_stages
from llcray.report.verdict_filter import FAILED

DODGE_POINTS = 6.5
MAX_DODGE_POINTS = 30.0
PANEL_SIZES = {1: (4.6, 3.1), 2: (3.0, 2.5), 3: (2.5, 2.3), 4: (2.15, 2.1)}


def draw(drawing: Drawing) -> Figure:
    """The figure; save it with `llcray.report.plots.figures.save`."""
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
        add_legend(figure, drawing, series)
        figure.align_xlabels()
        add_footnote(figure, drawing)
    return figure


def _draw_panel(axes: Axes, panel: Panel, drawing: Drawing, series: tuple[Series, ...]) -> None:
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
    apart = drawing.color != panel.x and panel.x != STEP
    step = min(DODGE_POINTS, MAX_DODGE_POINTS / len(series)) if apart else 0.0
    for index, one in enumerate(series):
        offset = (index - (len(series) - 1) / 2) * step
        inside = panel.runs if drawing.color is None else panel.runs.filter(pl.col(drawing.color).eq_missing(one.value))
        if not inside.is_empty():
            draw_series(axes, inside, Course(panel.x, drawing.y, scale, offset), one)
    draw_levels(axes, drawing.levels)
    draw_stages(axes, panel, drawing, series)


def _y_range(drawing: Drawing) -> tuple[float, float, bool]:
    """Limits that hold all trusted points with bars and known answers, and the doubtful ones that are not far off."""
    ends: list[float] = []
    for group in drawing.aggregated():
        error = pl.max_horizontal(pl.col("spread").fill_null(0), pl.col("mcse").fill_null(0))
        bars = group.select(low=pl.col("mean") - error, high=pl.col("mean") + error, known="known")
        ends += [value for column in bars.get_columns() for value in column.drop_nulls()]
    others = doubtful(drawing.runs, drawing.y)[drawing.y].to_list()
    if not ends:
        ends = others or [0.0, 1.0]
    ends += [level.value for level in drawing.levels]
    low, high = min(ends), max(ends)
    if drawing.log_y and low > 0:
        factor = max(high / low, 10.0)
        near = [value for value in others if low / factor <= value <= high * factor]
    else:
        room = max(high - low, 0.5 * max(abs(low), abs(high))) or 1.0
        near = [value for value in others if low - room <= value <= high + room]
    low, high = min([low, *near]), max([high, *near])
    if spans_decades(low, high) if drawing.log_y is None else drawing.log_y and low > 0:
        return low / (high / low) ** 0.06, high * (high / low) ** 0.06, True
    margin = 0.06 * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin, False
