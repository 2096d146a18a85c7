"""`llcray diagnose`: the diagnostics of a run, or of all runs of a sweep, as files."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from llcray_storage import scan_draws, scan_runs
from llcray_storage.errors import UserError
from llcray_storage.estimate_words import estimate_of
from llcray_storage.schema.status import DONE
from llcray_storage.store.layout import NAME, checked_id
from llcray_storage.store.settings import Root
from matplotlib.ticker import MaxNLocator

from llcray.report.colors import GREY
from llcray.report.diagnostics.catalogue import Diagnostic, selected
from llcray.report.diagnostics.chains import RunDraws, arranged, load_run
from llcray.report.errors import ReportError
from llcray.report.plots.figures import ShownFigure, save, style
from llcray.report.plots.plot import plots_folder
from llcray.report.verdict_filter import outcome

FIGURE_SIZE = (4.6, 2.9)
HEADER_CHARACTERS = 88
# Fixed margins: measuring the texts of every figure (constrained layout) would take as long as drawing them.
MARGINS = {"left": 0.135, "right": 0.975, "bottom": 0.155, "top": 0.865}
NAMED_TICKS_MARGIN = 0.36
# Making and drawing ticks is half the time of a figure.
MAX_INTERVALS = 4


def diagnose(
    root: Root, run_id: str, plots: Sequence[str] = (), form: str = "png", folder: Path | None = None
) -> list[Path]:
    """Draw the diagnostics of a run.

    Args:
        root: The dataset.
        run_id: The run, or the first digits of it.
        plots: Names of diagnostics; none for all that apply.
        form: png, svg or pdf.
        folder: Where to; None for `plots/<sweep>/<run_id>` of the dataset.

    Returns:
        The files, `<sampler>_<plot>.<form>`, in the order of the catalogue.

    Raises:
        ReportError: No such run or plot, or no draws.
        StorageError: There is no dataset.
    """
    wanted = selected(plots)
    run = load_run(root, run_id)
    return draw_run(run, wanted, form, folder or run_folder(root, run.row))


def run_folder(root: Root, row: Mapping[str, Any], folder: Path | None = None) -> Path:
    """Where the diagnostics of a run are kept: below a folder, or below the plots of its sweep.

    Raises:
        ReportError: A link in the dataset leads elsewhere.
        StorageError: A dataset that somebody else made has a run of a name that cannot be a folder.
    """
    return (folder or plots_folder(root, row["sweep"])) / checked_id(row["run_id"])


def sampler_word(row: Mapping[str, Any]) -> str:
    """The sampler of a run as a part of file names; `unknown` where no file could be named so."""
    kind = row["sampler_kind"] or ""
    return kind if NAME.fullmatch(kind) else "unknown"


def diagnose_all(
    root: Root, sweep: str | None, plots: Sequence[str] = (), form: str = "png", folder: Path | None = None
) -> Iterator[tuple[str, list[Path] | UserError]]:
    """Draw the diagnostics of every estimate, one after another: its run id and files, or why there are none."""
    wanted = selected(plots)
    rows = scan_runs(root, sweep).filter(pl.col("status") == DONE).with_columns(outcome()).collect().sort("run_id")
    if rows.is_empty():
        raise ReportError("no run has an estimate yet. See `llcray status`.")
    for row in rows.iter_rows(named=True):
        run_id = row["run_id"]
        try:
            place = run_folder(root, row, folder)
            run = arranged(row, scan_draws(root, row["sweep"], run_id).collect())
        except UserError as error:
            yield run_id, error
        else:
            yield run_id, draw_run(run, wanted, form, place)


def draw_run(run: RunDraws, wanted: Mapping[str, Diagnostic], form: str, folder: Path) -> list[Path]:
    """Draw those of the wanted diagnostics that the run has the draws for; the files."""
    sampler = sampler_word(run.row)
    applying = {name: diagnostic for name, diagnostic in wanted.items() if diagnostic.applies(run)}
    paths = {name: folder / f"{sampler}_{name}.{form}" for name in applying}
    words = header(run)
    return [save(figure_of(run, diagnostic, words), paths[name]) for name, diagnostic in applying.items()]


def header(run: RunDraws) -> str:
    """The words above each diagnostic: the run, its verdict and estimate, and the chains that are left out."""
    row = run.row
    words = f"{row['sampler_kind']}, run {row['run_id']}, {row['outcome']}: LLC {estimate_of(row)}"
    if not run.failed:
        return words
    numbers = ", ".join(str(chain["chain"]) for chain in run.failed)
    return f"{words}; left out: chain {numbers}, went non-finite"


def figure_of(run: RunDraws, diagnostic: Diagnostic, words: str) -> ShownFigure:
    """The figure of one diagnostic, with a line of small text above."""
    with style():
        figure = ShownFigure(figsize=FIGURE_SIZE)
        axes = figure.subplots()
        diagnostic.draw(axes, run)
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(locator := axis.get_major_locator(), MaxNLocator):
                locator.set_params(nbins=MAX_INTERVALS)
        named_ticks = not axes.get_xlabel()
        figure.subplots_adjust(**MARGINS | ({"bottom": NAMED_TICKS_MARGIN} if named_ticks else {}))
        lines = textwrap.wrap(words, HEADER_CHARACTERS)
        figure.suptitle("\n".join(lines), fontsize=6.5, color=GREY, x=0.01, ha="left")
    return figure
