"""`llcray plot` and the plot that a sweep ends with: from what the user asks to a saved figure."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from llcray_storage import scan_runs
from llcray_storage.store.layout import sweep_partition
from llcray_storage.store.settings import Root

from llcray.report.columns import is_number, resolve
from llcray.report.errors import ReportError
from llcray.report.filters import parse_filter
from llcray.report.plots.drawing import Drawing, no_stages
from llcray.report.plots.figures import ShownFigure, save
from llcray.report.plots.format import AS_SUITS, Format
from llcray.report.plots.levels import parse_level
from llcray.report.plots.panels import Layout, automatic, default_color, faceted
from llcray.report.plots.scale import STEP
from llcray.report.plots.stage_bands import stages_of
from llcray.report.plots.sweep_plot import draw
from llcray.report.varying import prepared
from llcray.report.verdict_filter import outcome


@dataclass(frozen=True)
class PlotRequest:
    """A plot as the user asks for it.

    Attributes:
        x: Column; None to choose panels by what varies.
        y: Column of numbers.
        color: Column; None for the sampler where there are several.
        facets: Up to two columns: across, and down.
        condition: A filter, see `llcray.report.filters`.
        sweep: Only this sweep.
        log_x: Whether x axes are logarithmic; None to choose.
        log_y: The same for y.
        levels: Lines at known numbers, each VALUE or NAME=VALUE.
        run_ids: Only these runs; none for all.
    """

    x: str | None = None
    y: str = "llc"
    color: str | None = None
    facets: Sequence[str] = ()
    condition: str | None = None
    sweep: str | None = None
    log_x: bool | None = None
    log_y: bool | None = None
    levels: Sequence[str] = ()
    run_ids: Sequence[str] = ()


def plot(root: Root, request: PlotRequest, output: Path | None = None, form: Format = AS_SUITS) -> Path:
    """Draw a plot and save it.

    Args:
        root: The dataset.
        request: The plot asked for.
        output: File, ending in .png, .svg or .pdf; None for a name that says what is in it, among the dataset's plots.
        form: Size, and whether there is a caption.

    Returns:
        The file.

    Raises:
        ReportError: A column or filter is not understood, no run is left, or the file cannot be written.
        StorageError: There is no dataset.
    """
    drawing = drawing_of(root, request)
    place = output or plots_folder(root, request.sweep or "all") / file_name(request, drawing)
    return save(draw(drawing, form), place)


def figure_of(root: Root, request: PlotRequest, form: Format = AS_SUITS) -> ShownFigure:
    """Draw a plot in memory.

    Raises:
        ReportError: A column or filter is not understood, or no run is left.
        StorageError: There is no dataset.
    """
    return draw(drawing_of(root, request), form)


def means_of(root: Root, request: PlotRequest) -> pl.DataFrame:
    """The means that a plot shows, a row a mark: the values of its panel, of x and colour, and what `aggregate` gives.

    Raises:
        ReportError: A column or filter is not understood, or no run is left.
        StorageError: There is no dataset.
    """
    drawing = drawing_of(root, request)
    tables = [
        means.drop("members").select(*(pl.lit(value).alias(name) for name, value in panel.facets.items()), pl.all())
        for panel, means in zip(drawing.layout.panels, drawing.means, strict=True)
    ]
    return pl.concat(tables, how="diagonal_relaxed")


def default_plot(root: Root, sweep: str, folder: Path | None = None) -> Path | None:
    """Draw the plot that a sweep ends with: its LLC against what it varies, samplers by colour.

    Args:
        root: The dataset.
        sweep: Its name.
        folder: Where to; None for `plots/<sweep>` in a local dataset, or in the working directory for a remote one.

    Returns:
        The file; None when no run has an LLC.
    """
    request = PlotRequest(sweep=sweep)
    try:
        drawing = drawing_of(root, request)
    except NothingToDrawError:
        return None
    return save(draw(drawing), (folder or plots_folder(root, sweep)) / file_name(request, drawing))


class NothingToDrawError(ReportError):
    """The refusal to draw where no run matches, or none has the number."""


def drawing_of(root: Root, request: PlotRequest) -> Drawing:
    """The contents of the plot asked for: columns resolved, runs filtered and laid out.

    Raises:
        ReportError: An unknown column, a filter that is not understood, or no run to draw.
    """
    y = resolve(request.y)
    if not is_number(y):
        raise ReportError(f"column '{y}' holds no numbers: give --y llc, rhat, wnv_gradients, ...")
    if len(request.facets) > 2:
        raise ReportError(f"--facet {','.join(request.facets)}: at most two columns, one across and one down.")
    x = None if request.x is None else resolve(request.x)
    facets = [resolve(name) for name in request.facets]
    color = None if request.color is None else resolve(request.color)
    runs = _runs(root, request, y)
    if x is not None and runs[x].is_null().all():
        raise ReportError(f"column '{x}' has no value in any of {runs.height} runs: give another --x.")
    color = color or default_color(runs, x)
    layout = _layout(runs, request, x, color, facets)
    along_training = any(panel.x == STEP for panel in layout.panels)
    stages = stages_of(root, request.sweep, y) if along_training else no_stages()
    levels = tuple(parse_level(text) for text in request.levels)
    return Drawing(layout, y, color, request.log_x, request.log_y, stages, levels)


def plots_folder(root: Root, sweep: str) -> Path:
    """Where plots of a sweep are kept: beside the tables of a local dataset, else in the working directory.

    Raises:
        ReportError: A link in the dataset leads elsewhere.
        StorageError: A dataset that somebody else made has a sweep of a name that cannot be a folder.
    """
    text = os.fspath(root)
    remote = "://" in text or text.endswith((".yaml", ".yml"))
    place = Path() if remote else Path(text)
    folder = place / "plots" / str(sweep_partition(sweep).sweep)
    if not folder.resolve().is_relative_to(place.resolve()):
        raise ReportError(f"'{folder}' leads out of the dataset by a link: choose another place with -o.")
    return folder


def _runs(root: Root, request: PlotRequest, y: str) -> pl.DataFrame:
    runs = prepared(scan_runs(root, request.sweep)).with_columns(outcome(y))
    if request.run_ids:
        runs = runs.filter(pl.col("run_id").is_in(list(request.run_ids)))
    if request.condition is not None:
        runs = runs.filter(parse_filter(request.condition))
    if runs.filter(pl.col(y).is_finite()).is_empty():
        where = " ".join(
            [f"in sweep '{request.sweep}'" if request.sweep else "in the dataset"]
            + ([f"with {request.condition}"] if request.condition else [])
        )
        what = f"none of {runs.height} runs" if runs.height else "no run"
        raise NothingToDrawError(f"nothing to draw: {what} {where} has a value of '{y}'. See `llcray status`.")
    return runs


def _layout(runs: pl.DataFrame, request: PlotRequest, x: str | None, color: str | None, facets: list[str]) -> Layout:
    if x is not None:
        return faceted(runs, x, color, facets)
    sweeps = sorted(runs["sweep"].unique())
    if len(sweeps) > 1:
        raise ReportError(f"the dataset holds the sweeps {', '.join(sweeps)}: choose one with --sweep, or give --x.")
    return automatic(runs)


def file_name(request: PlotRequest, drawing: Drawing) -> str:
    """A name that follows from the request and the sweep's axes alone."""
    axes = dict.fromkeys(panel.x for panel in drawing.layout.panels)
    words = [drawing.y, "by", *(axes if len(axes) == 1 else ["axis"])]
    if request.color is not None:
        words += ["color", str(drawing.color)]
    for name in request.facets:
        words += ["facet", resolve(name)]
    if request.condition is not None:
        legible = re.sub(r"\W+", "_", request.condition).strip("_")[:40]
        words += [legible, hashlib.sha256(request.condition.encode()).hexdigest()[:6]]
    if drawing.levels:
        words += ["levels", *(f"{level.value:g}" for level in drawing.levels)]
    return "-".join(words) + ".png"
