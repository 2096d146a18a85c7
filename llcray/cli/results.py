"""Commands that look at results: tables, plots, pages, exports."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from llcray.cli.options import knows_sweep, names_damage, only_sweep_option, uri_argument
from llcray.driver.options import SweepOptions
from llcray.terminal.text import echo

IMAGE_FORMATS = ("png", "svg", "pdf")
TRACKERS = ("wandb", "mlflow", "tensorboard")


@click.command()
@uri_argument
@only_sweep_option
@click.option("--address", metavar="ADDR", help="Show a running cluster instead: machines, sweeps, trials, cost.")
@names_damage
@knows_sweep
def status(uri: str, sweep: str | None, address: str | None) -> int:
    """What is done and what failed, with reasons; with --address, what a cluster is doing."""
    from llcray.terminal.console import Terminal

    if address is not None:
        from llcray.driver.cluster.status import show_cluster

        return show_cluster(address, sweep, Terminal())

    from llcray.report.tables import print_results, print_status

    if sweep is None:
        print_status(uri, Terminal())
    else:
        print_results(uri, sweep, Terminal())
    return 0


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, metavar="[URI] [SQL]")
@click.option("--file", "file", type=click.File(encoding="utf-8"), metavar="FILE", help="Read the query; - for stdin.")
@click.option("--csv", "form", flag_value="csv", help="As CSV.")
@click.option("--json", "form", flag_value="json", help="As JSON lines.")
@click.option("--parquet", "form", flag_value="parquet", help="As Parquet; needs -o.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file.")
def query(words: tuple[str, ...], file: TextIO | None, form: str | None, output: Path | None) -> None:
    """Answer one SQL SELECT; SHOW TABLES lists the tables, DESCRIBE and a table's name its columns."""
    from llcray.report.query import answer
    from llcray.terminal.console import Terminal

    uri, sql = _place_and_query(words, file)
    answer(uri, sql, form, output, Terminal())


def _place_and_query(words: Sequence[str], file: TextIO | None) -> tuple[str, str]:
    """Tells the place from the query, either of which may be left out: the place, or the query where a file has it.

    A query may begin with a comment, that is with dashes, so that click takes it for an option; it has blanks in it,
    and an option has none.
    """
    for word in words:
        if word.startswith("-") and not any(character.isspace() for character in word):
            raise click.NoSuchOption(word)
    if len(words) > 1 + (file is None):
        raise click.UsageError(f"{len(words)} words were given: put the query into one pair of quotes.")
    if file is not None:
        return (words[0] if words else SweepOptions.storage), file.read()
    if not words or (len(words) == 1 and not any(character.isspace() for character in words[0])):
        raise click.UsageError('which query? Write one, such as "SHOW TABLES", or give --file.')
    return (words[0] if len(words) == 2 else SweepOptions.storage), words[-1]


@click.command()
@uri_argument
@click.option("--x", metavar="COLUMN", help="Along the x axis; chosen by what the sweep varies if left out.")
@click.option("--y", metavar="COLUMN", default="llc", show_default=True, help="Along the y axis.")
@click.option("--color", metavar="COLUMN", help="One colour a value; the sampler if left out.")
@click.option("--facet", metavar="COLUMN[,COLUMN]", help="One panel a value; a second column goes down.")
@click.option("--filter", "condition", metavar="CONDITION", help='Such as: activation == "relu" and num_data >= 5000')
@only_sweep_option
@click.option("--log-x/--linear-x", default=None, help="Logarithmic or linear; chosen by the values if left out.")
@click.option("--log-y/--linear-y", default=None, help="The same for y.")
@click.option("--level", "levels", multiple=True, metavar="[NAME=]VALUE", help="A line at a known number; repeatable.")
@click.option("--width", type=float, metavar="INCHES", help="Width of the figure; suits the panels if left out.")
@click.option("--height", type=float, metavar="INCHES", help="The same for its height.")
@click.option("--caption/--no-caption", default=True, help="Say below what bars and marks mean, or do not.")
@click.option("--titles/--no-titles", default=True, help="Say above each panel which value it has, or do not.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="A .png, .svg or .pdf file.")
@names_damage
@knows_sweep
def plot(
    uri: str,
    facet: str | None,
    width: float | None,
    height: float | None,
    caption: bool,
    titles: bool,
    output: Path | None,
    **wanted: Any,
) -> None:
    """Plot a column against another: means over seeds, between-seed spread and Monte Carlo error told apart."""
    from llcray.report.plots.format import Format
    from llcray.report.plots.plot import PlotRequest
    from llcray.report.plots.plot import plot as save_plot

    facets = [name.strip() for name in facet.split(",")] if facet else []
    echo(save_plot(uri, PlotRequest(facets=facets, **wanted), output, Format(width, height, caption, titles)))


@click.command()
@uri_argument
@click.option("--sweep", metavar="NAME", required=True, help="The sweep whose trajectories to look at.")
@click.option("--metric", metavar="COLUMN", default="llc", show_default=True, help="A number column of runs.")
@click.option(
    "--method",
    type=click.Choice(["stages", "changepoints"]),
    default="stages",
    show_default=True,
    help="Critical points of a smooth curve, or sudden shifts of the mean.",
)
@names_damage
@knows_sweep
def stages(uri: str, sweep: str, metric: str, method: Any) -> None:
    """Find the stages of a metric along training; they are kept in the dataset's table `stages` and printed."""
    from llcray.stages.command import find_stages
    from llcray.terminal.console import Terminal

    find_stages(uri, sweep, metric, method, Terminal())


@click.command()
@click.argument("uri")
@click.argument("run_id", required=False)
@click.option("--all", "every_run", is_flag=True, help="Every run that has an estimate, instead of one.")
@only_sweep_option
@click.option("--plots", metavar="NAME[,NAME...]", help="Only these plots; an unknown name lists them.")
@click.option("--format", "form", type=click.Choice(IMAGE_FORMATS), default="png", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Folder to write to.")
@names_damage
@knows_sweep
def diagnose(
    uri: str, run_id: str | None, every_run: bool, sweep: str | None, plots: str | None, form: str, output: Path | None
) -> None:
    """Plot the draws of a run: running LLC, trace, autocorrelation, ESS, R-hat, ranks, energy, acceptance and more"""
    from llcray.report.diagnostics.diagnose import diagnose as draw_one
    from llcray.report.diagnostics.diagnose import diagnose_all

    names = [name.strip() for name in plots.split(",")] if plots else []
    if every_run == (run_id is not None):
        raise click.UsageError("give a RUN_ID, or --all.")
    if run_id is not None:
        for path in draw_one(uri, run_id, names, form, output):
            echo(path)
        return
    for drawn_id, drawn in diagnose_all(uri, sweep, names, form, output):
        echo(f"{drawn_id}: {len(drawn)} plots in {drawn[0].parent}" if isinstance(drawn, list) else drawn)


@click.command()
@uri_argument
@only_sweep_option
@click.option("--question", metavar="TEXT", help="What the sweep was to answer, for the heading.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default="report.html", show_default=True)
@click.option("--watch", "watched", is_flag=True, help="Serve the page to this machine while a sweep runs; no file.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port for --watch; a free one if left out.")
@names_damage
@knows_sweep
def report(uri: str, sweep: str | None, question: str | None, output: Path, watched: bool, port: int) -> None:
    """Write one self-contained HTML page: plots, table of runs, verdicts, agreement, cost, provenance.

    With --watch it is served at an address of this machine, and loads itself anew as runs are finished, until Ctrl-C.
    """
    if watched:
        from llcray.report.page.watch import watch

        watch(uri, sweep, question, port, echo)
        return
    from llcray.report.page.page import write_report

    echo(write_report(uri, sweep, output, question))


@click.command()
@click.argument("uri")
@click.argument("run_id", required=False)
@click.option("--netcdf", type=click.Path(path_type=Path), metavar="FILE", help="The draws of a run, for ArviZ.")
@click.option("--to", "tracker", type=click.Choice(TRACKERS), help="Runs with settings, LLC and verdict; all or one.")
@only_sweep_option
@click.option("--project", default="llcray", show_default=True, help="W&B project, or MLflow experiment.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="tensorboard",
    show_default=True,
    metavar="DIR",
    help="Folder of TensorBoard's event files.",
)
@names_damage
@knows_sweep
def export(
    uri: str,
    run_id: str | None,
    netcdf: Path | None,
    tracker: str | None,
    sweep: str | None,
    project: str,
    output: Path,
) -> None:
    """Write the draws of a run for ArviZ (--netcdf), or runs to a tracker of experiments (--to).

    A run of the dataset is one run there, and so is the curve along a training, with its checkpoints as steps. Exported
    again, it is the same run. WANDB_MODE, WANDB_ENTITY and MLFLOW_TRACKING_URI count as usual.
    """
    if (netcdf is None) == (tracker is None):
        raise click.UsageError("give --netcdf FILE, or --to TRACKER.")
    if netcdf is not None:
        from llcray.report.export.netcdf import export_netcdf

        if run_id is None:
            raise click.UsageError("whose draws? Give a RUN_ID.")
        echo(export_netcdf(uri, run_id, netcdf))
        return

    from llcray.report.export.runs import exported_runs

    runs = exported_runs(uri, sweep, run_id)
    if tracker == "wandb":
        from llcray.report.export.wandb_runs import log_to_wandb

        echo(log_to_wandb(runs, project))
    elif tracker == "mlflow":
        from llcray.report.export.mlflow_runs import log_to_mlflow

        echo(log_to_mlflow(runs, project))
    else:
        from llcray.report.export.tensorboard_runs import write_event_files

        echo(write_event_files(runs, output))


@click.command()
@uri_argument
@click.option("--to", "folder", type=click.Path(path_type=Path), metavar="DIR", required=True, help="Where to.")
@only_sweep_option
@click.option("--plots", metavar="NAME[,NAME...]", help="Diagnostics to show; a few by default.")
@names_damage
@knows_sweep
def promote(uri: str, folder: Path, sweep: str | None, plots: str | None) -> None:
    """Put the newest plots of each sampler into a folder of fixed names, with a Markdown gallery."""
    from llcray.report.promote import SHOWN
    from llcray.report.promote import promote as promote_plots

    names = [name.strip() for name in plots.split(",")] if plots else SHOWN
    for path in promote_plots(uri, folder, sweep, names):
        echo(path)


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--by",
    type=click.Choice(["all", "layer", "block", "component", "tensor"]),
    default="all",
    show_default=True,
    help="How tensors are pooled.",
)
@click.option("--compare-dtype", metavar="TYPE", help="Such as bfloat16 (the paper); default: as stored.")
@click.option("--tolerance", type=float, default=1e-5, show_default=True, help="Largest change that counts as none.")
@click.option("--relative-tolerance", type=float, default=1e-3, show_default=True, help="The same, as a share.")
@click.option("--ranks/--no-ranks", default=True, show_default=True, help="Ranks of the updates of matrices.")
@click.option("--overlap", "other", type=click.Path(path_type=Path), metavar="OTHER", help="A second run from BEFORE.")
@click.option("--learning-rate", type=float, help="Of the fine-tuning, if no trainer_state.json says it.")
@click.option("--steps", type=int, help="Of the fine-tuning, if no trainer_state.json says it.")
@click.option("--csv", "form", flag_value="csv", help="As CSV.")
@click.option("--json", "form", flag_value="json", help="As JSON lines.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file.")
def subnetwork(before: Path, after: tuple[Path, ...], form: str | None, output: Path | None, **wanted: Any) -> None:
    """What fine-tuning changed: the unchanged share of the parameters, and the rank of the change.

    BEFORE and AFTER are safetensors files, Hugging Face folders or stored targets; several AFTER are a series.
    """
    from llcray.subnetwork.table import Comparison, print_comparison
    from llcray.terminal.console import Terminal

    print_comparison(Comparison((before, *after), **wanted), form, output, Terminal())
