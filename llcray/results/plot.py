"""`llcray.plot`: the figures of `llcray plot`, in memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from matplotlib.figure import Figure

from llcray.report.plots.format import Format
from llcray.report.plots.plot import PlotRequest, figure_of


class PlotOptions(TypedDict, total=False):
    """What a figure shows and how, beside its x axis; each may be left out.

    Attributes:
        y: Column of numbers; the LLC if left out.
        color: Column that tells series apart; the sampler, where there are several, if left out.
        facets: Up to two columns: panels across, and down.
        condition: Filter, such as `noise_rate > 0.1 and verdict == "ok"`.
        log_x: Whether x axes are logarithmic; chosen by the values if left out.
        log_y: The same for y.
        levels: Lines at known numbers, each `VALUE` or `NAME=VALUE`.
        width: Width of the figure in inches; one that suits the panels if left out.
        height: Height of the figure in inches; one that suits the panels if left out.
        caption: Whether a caption below says what bars and marks mean; it does if left out.
        titles: Whether each of several panels has its value as title; it has if left out.
    """

    y: str
    color: str | None
    facets: Sequence[str]
    condition: str | None
    log_x: bool | None
    log_y: bool | None
    levels: Sequence[str]
    width: float | None
    height: float | None
    caption: bool
    titles: bool


def plot(
    storage: str | Path = "results", x: str | None = None, *, sweep: str | None = None, **options: Unpack[PlotOptions]
) -> Figure:
    """A figure of the runs of a dataset; matplotlib can change and save it.

    Args:
        storage: Root of the dataset.
        x: Column of the x axis; None for a panel for each axis of the sweep.
        sweep: Only this sweep.
        options: Of `PlotOptions`: `y`, `color`, `facets`, `condition`, `log_x`, `log_y`, `levels`, `width`, `height`,
            `caption`, `titles`.

    Raises:
        ReportError: A column or filter is not understood, or no run is left.
        StorageError: There is no dataset.
    """
    return plot_runs(storage, x, sweep, (), options)


def plot_runs(
    storage: str | Path, x: str | None, sweep: str | None, run_ids: Sequence[str], options: PlotOptions
) -> Figure:
    """The figure of `plot`, of the runs with these ids alone where there are any.

    Raises:
        ReportError: A column or filter is not understood, or no run is left.
        StorageError: There is no dataset.
        TypeError: There is no such option.
    """
    if unknown := options.keys() - PlotOptions.__annotations__.keys():
        raise TypeError(f"plot() has no option {', '.join(sorted(unknown))}: {', '.join(PlotOptions.__annotations__)}")
    form = {name: value for name, value in options.items() if name in Format.__dataclass_fields__}
    shown = {name: value for name, value in options.items() if name not in form}
    request = PlotRequest(x, sweep=sweep, run_ids=run_ids, **shown)  # pyright: ignore[reportArgumentType]
    return figure_of(storage, request, Format(**form))  # pyright: ignore[reportArgumentType]
