"""Detected stages behind a curve along training: bands where a panel has one curve, boundaries alone where it has more.

A band is as wide as its stage and shaded by the way the number goes; a boundary's 95% bootstrap interval is a narrow
band around its line. Boundaries of several curves of one colour are the medians over the curves.
"""

import polars as pl
from llcray_storage import scan_stages
from llcray_storage.store.settings import Root
from matplotlib.axes import Axes

from llcray.report.colors import BLACK, GREY
from llcray.report.plots.drawing import Drawing
from llcray.report.plots.panels import Panel
from llcray.report.plots.scale import STEP
from llcray.report.plots.series import Series, runs_of_series

METHOD = "stages"
SHADES = {"up": "#DCE9F5", "down": "#FBE6D6", "flat": "#FFFFFF"}
"""Colour of a band by the way the number goes."""


def stages_of(root: Root, sweep: str | None, y: str) -> pl.DataFrame:
    """The stages of a number that `llcray stages` found; no rows where that command has not been run.

    Raises:
        StorageError: There is no dataset.
    """
    stages = scan_stages(root, sweep).filter(pl.col("metric") == y, pl.col("method") == METHOD).collect()
    return stages.sort("series_id", "stage")


def draw_stages(axes: Axes, panel: Panel, drawing: Drawing, series: tuple[Series, ...]) -> None:
    """Draw the stages of the panel's curves, behind everything else."""
    inside = _stages_in(panel, drawing)
    if inside.is_empty():
        return
    if inside["series_id"].n_unique() == 1:
        _draw_bands(axes, inside)
        _draw_boundaries(axes, inside, BLACK)
        return
    for one_series in series:
        runs = runs_of_series(panel.runs, drawing.color, one_series)
        own = inside.filter(pl.col("series_id").is_in(runs["series_id"].unique().to_list()))
        _draw_boundaries(axes, own, one_series.look.color)


def stages_note(drawing: Drawing) -> str:
    """The sentence that says what bands and lines of stages mean; "" where there are none."""
    panels = [_stages_in(panel, drawing) for panel in drawing.layout.panels]
    panels = [stages for stages in panels if not stages.is_empty()]
    if not panels:
        return ""
    alone = all(stages["series_id"].n_unique() == 1 for stages in panels)
    line = "dotted lines: boundaries of stages, with 95% bootstrap intervals"
    return f"Shaded: the curve rises (blue), falls (orange), stands (white); {line}" if alone else (
        f"{line[0].upper()}{line[1:]}, medians over curves of one colour"
    )  # fmt: skip


def _stages_in(panel: Panel, drawing: Drawing) -> pl.DataFrame:
    if panel.x != STEP or drawing.stages.is_empty():
        return drawing.stages.clear()
    return drawing.stages.filter(pl.col("series_id").is_in(panel.runs["series_id"].unique().drop_nulls().to_list()))


def _draw_bands(axes: Axes, stages: pl.DataFrame) -> None:
    for start, end, direction in stages.select("start_step", "end_step", "direction").iter_rows():
        axes.axvspan(start, end, color=SHADES.get(direction, SHADES["flat"]), linewidth=0, zorder=0)


def _draw_boundaries(axes: Axes, stages: pl.DataFrame, color: str) -> None:
    """Draw every boundary but the end of training; of curves with as many stages, the medians of their boundaries."""
    inner = stages.filter(pl.col("stage") < pl.col("num_stages") - 1)
    columns = ("end_step", "end_step_low", "end_step_high")
    middle = inner.group_by("num_stages", "stage").agg(pl.col(name).median() for name in columns)
    for end, low, high in middle.sort("num_stages", "stage").select(columns).iter_rows():
        axes.axvline(end, color=color, linestyle=":", linewidth=1.1, zorder=1.5)
        if low is not None and high is not None:
            axes.axvspan(low, high, color=color if color != BLACK else GREY, alpha=0.13, linewidth=0, zorder=0.5)
