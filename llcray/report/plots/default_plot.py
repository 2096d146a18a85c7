"""The plot a sweep ends with: LLC against what it varies, samplers by colour."""

from pathlib import Path

from llcray_storage.store.settings import Root

from llcray.report.plots.figures import save
from llcray.report.plots.plot import NothingToDrawError, PlotRequest, drawing_of, file_name, plots_folder
from llcray.report.plots.sweep_plot import draw


def default_plot(root: Root, sweep: str, folder: Path | None = None) -> Path | None:
    """Draw the plot of a sweep.

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
