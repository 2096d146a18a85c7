"""`llcray.plot`: the figures of `llcray plot`, in memory."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from llcray.report.plots.format import Format
from llcray.report.plots.plot import PlotRequest, figure_of


def plot(
    storage: str | Path = "results",
    x: str | None = None,
    *,
    y: str = "llc",
    color: str | None = None,
    facets: Sequence[str] = (),
    condition: str | None = None,
    sweep: str | None = None,
    width: float | None = None,
    height: float | None = None,
    caption: bool = True,
) -> Figure:
    """A figure of the runs of a dataset; matplotlib can change and save it.

    Args:
        storage: Root of the dataset.
        x: Column of the x axis; None for a panel for each axis of the sweep.
        y: Column of numbers.
        color: Column that tells series apart; None for the sampler where there are several.
        facets: Up to two columns: panels across, and down.
        condition: Filter, such as `noise_rate > 0.1 and verdict == "ok"`.
        sweep: Only this sweep.
        width: Width of the figure in inches; None for one that suits the panels.
        height: Height of the figure in inches; None for one that suits the panels.
        caption: Whether a caption below says what bars and marks mean.

    Raises:
        ReportError: A column or filter is not understood, or no run is left.
        StorageError: There is no dataset.
    """
    return figure_of(storage, PlotRequest(x, y, color, facets, condition, sweep), Format(width, height, caption))
