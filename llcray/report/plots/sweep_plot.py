"""The figure of a sweep: a number against an axis, means over matched targets with two bars, doubt as open markers.

The thin bar is the standard deviation between seeds: how much targets differ. The thick bar is the sampling error of
the mean: how well it is known at its gamma. Estimates that are not `ok` enter no mean and are drawn one by one; so are
trusted ones whose target another series has no trusted estimate of.
"""

import textwrap

import polars as pl
from matplotlib.axes import Axes

from llcray.report.columns import axis_label
from llcray.report.plots.axes import give_room_aside, set_log_ticks, set_up_x_axis
from llcray.report.plots.drawing import Drawing
from llcray.report.plots.figures import ShownFigure, style
from llcray.report.plots.format import AS_SUITS, Format
from llcray.report.plots.legend import add_footnote, add_legend
from llcray.report.plots.levels import draw_levels
from llcray.report.plots.marks import MARKER_SIZE, POINTS_PER_INCH, Placement, draw_series
from llcray.report.plots.panels import Panel
from llcray.report.plots.scale import STEP, Scale, scale_of
from llcray.report.plots.series import Series, runs_of_series, series_of
from llcray.report.plots.stage_bands import draw_stages
from llcray.report.plots.y_range import y_range
from llcray.report.varying import is_measured
from llcray.report.verdict_filter import estimated

DODGE_POINTS = 6.5
COUNTED_DODGE_POINTS = 9.0
MAX_DODGE_POINTS = 30.0
SHARE_BESIDE = 0.8
"""Share of the room between two values that the marks at one of them may take."""
MOST_ASIDE = 0.3
"""Share of an axis that may lie beyond its first value, and beyond its last."""
LABEL_INCHES, GAP_INCHES = 0.55, 0.1
"""Inches left of all panels, and between them."""
MAX_LABEL_CHARACTERS = 32
PANEL_SIZES = {1: (4.6, 3.1), 2: (3.0, 2.5), 3: (2.5, 2.3), 4: (2.15, 2.1)}


def draw(drawing: Drawing, form: Format = AS_SUITS) -> ShownFigure:
    """The figure; save it with `llcray.report.plots.figures.save`."""
    layout = drawing.layout
    num_columns = layout.num_columns
    num_rows = -(-len(layout.panels) // num_columns)
    width, height = PANEL_SIZES[min(num_columns, 4)]
    with style():
        figure = ShownFigure(figsize=form.size(width, height, num_columns, num_rows), layout="constrained")
        grid = figure.subplots(num_rows, num_columns, sharey=True, squeeze=False)
        panel_axes = list(grid.flat)
        for spare in panel_axes[len(layout.panels) :]:
            spare.set_visible(False)
        series = series_of(drawing.runs, drawing.color)
        _set_up_y_axis(panel_axes[0], drawing)
        for axes, panel, marked, means in zip(panel_axes, layout.panels, drawing.marked, drawing.means, strict=False):
            _draw_panel(axes, panel, marked, means, drawing, series)
            axes.set_title(panel.title if form.titles else "")
        for row in grid:
            row[0].set_ylabel(textwrap.fill(axis_label(drawing.y), int(figure.get_figheight() / num_rows * 11)))
        add_legend(figure, drawing, series)
        figure.align_xlabels()
        if form.caption:
            add_footnote(figure, drawing)
    return figure


def _set_up_y_axis(axes: Axes, drawing: Drawing) -> None:
    """Give the y axis, which all panels share, its scale and limits."""
    range_ = y_range(drawing)
    low, high = range_.with_margin()
    if range_.logarithmic:
        axes.set_yscale("log")
        set_log_ticks(axes.yaxis, low, high)
    axes.set_ylim(low, high)


def _draw_panel(
    axes: Axes, panel: Panel, marked: pl.DataFrame, means: pl.DataFrame, drawing: Drawing, series: tuple[Series, ...]
) -> None:
    runs_of_axis = estimated(pl.concat([other.runs for other in drawing.layout.panels if other.x == panel.x]))
    scale = scale_of(runs_of_axis[panel.x], drawing.log_x)
    set_up_x_axis(axes, scale)
    axes.set_xlabel(axis_label(panel.x))
    axes.grid(visible=False, axis="x")
    _turn_long_tick_labels(axes, scale)
    # A measured number is where it was measured: moved aside it would be another, and a line through it means nothing.
    measured = is_measured(drawing.runs, panel.x)
    is_dodged = drawing.color != panel.x and panel.x != STEP and not measured
    step = _dodge(axes, drawing, scale, len(series)) if is_dodged else 0.0
    for index, one_series in enumerate(series):
        offset = (index - (len(series) - 1) / 2) * step
        runs, points = (runs_of_series(frame, drawing.color, one_series) for frame in (marked, means))
        if not runs.is_empty():
            joined = scale.numeric and not measured
            placement = Placement(panel.x, drawing.y, scale, offset, joined, drawing.has_unlike_counts)
            draw_series(axes, runs, points, placement, one_series)
    draw_levels(axes, drawing.levels)
    draw_stages(axes, panel, drawing, series)


def _dodge(axes: Axes, drawing: Drawing, scale: Scale, num_series: int) -> float:
    """The points between neighbouring series at one value: less where values are near, and the axis has room for it."""
    points = POINTS_PER_INCH * _inches_across(axes)
    widest = COUNTED_DODGE_POINTS if drawing.has_unlike_counts else DODGE_POINTS
    beside = SHARE_BESIDE * scale.nearest() * points / num_series
    step = min(widest, MAX_DODGE_POINTS / num_series, max(MARKER_SIZE, beside))
    give_room_aside(axes, scale, min(MOST_ASIDE, ((num_series - 1) / 2 * step + 2 * MARKER_SIZE) / points))
    return step


def _inches_across(axes: Axes) -> float:
    """About the width of a panel, before it is laid out."""
    figure, spec = axes.get_figure(root=True), axes.get_subplotspec()
    assert figure is not None and spec is not None
    return (figure.get_figwidth() - LABEL_INCHES) / spec.get_gridspec().ncols - GAP_INCHES


def _turn_long_tick_labels(axes: Axes, scale: Scale) -> None:
    """Slant the labels of values side by side where they would run into one another."""
    labels = axes.get_xticklabels()
    if not scale.numeric and max(len(text.get_text()) for text in labels) * len(scale.values) > MAX_LABEL_CHARACTERS:
        axes.tick_params(axis="x", labelrotation=30)
        for text in axes.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
