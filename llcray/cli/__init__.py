"""The command line: arguments in, one call out. Everything heavy is imported inside the command that needs it."""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import click

from llcray.command_group import CommandGroup

DEFAULT_STORAGE = "results"
UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
MAX_REMARKS = 3
CHOICES = {"l": "leave", "s": "stop", "k": "kill", "w": "watch"}
IMAGE_FORMATS = ("png", "svg", "pdf")


class Duration(click.ParamType):
    """Seconds, written as 90, 90s, 15m, 2h or 1h30m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds as a float."""
        if isinstance(value, int | float):
            return float(value)
        parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", value)
        if not parts or "".join(number + unit for number, unit in parts) != value:
            self.fail(f"'{value}' is no duration: write 90s, 15m, 2h or 1h30m.", param, ctx)
        seconds = sum(float(number) * UNIT_SECONDS[unit or "s"] for number, unit in parts)
        if seconds <= 0:
            self.fail(f"'{value}' is no time at all: give a duration above zero.", param, ctx)
        return seconds


uri_argument = click.argument("uri", default=DEFAULT_STORAGE)
sweep_option = click.option("--sweep", metavar="NAME", help="Only this sweep.")
set_option = click.option(
    "--set", "overrides", metavar="PATH=VALUE", multiple=True, help="Change one value; repeatable."
)
force_option = click.option("--force", is_flag=True, help="Compute every run again; the new results count.")
retry_failed_option = click.option("--retry-failed", is_flag=True, help="Compute failed runs again.")
max_pack_option = click.option(
    "--max-pack", type=click.IntRange(min=1), metavar="N", help="Targets in a trial; as many as suits if left out."
)
cluster_option = click.option(
    "--address", metavar="ADDR", default="auto", show_default=True, help="The cluster, as for the sweep."
)
storage_option = click.option(
    "--storage",
    metavar="URI",
    default=DEFAULT_STORAGE,
    show_default=True,
    help="Path, s3://, gs:// or profile file.",
)


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="llcray")
def main() -> None:
    """Estimate local learning coefficients over sweeps, and look at what came out.

    URI is a local path, s3://bucket/prefix, gs://bucket/prefix, or a profile file; `results` where it is left out.
    """


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@storage_option
@click.option(
    "--address",
    metavar="ADDR",
    help="Ray cluster to use: auto or host:port on a machine of it, http://host:8265 or ray://host:10001 from outside. "
    "Without it Ray is started on this machine.",
)
@click.option("--detach", is_flag=True, help="From outside: submit and return; `llcray attach` watches it.")
@click.option(
    "--py-module",
    "py_modules",
    metavar="DIR",
    multiple=True,
    help="Import package to send to the cluster, beside llcray; repeatable.",
)
@set_option
@click.option("--max-concurrent", type=click.IntRange(min=1), metavar="N", help="Trials at a time.")
@max_pack_option
@click.option("--time-budget", type=Duration(), metavar="2h", help="Stop after this long; finished runs are kept.")
@force_option
@retry_failed_option
@click.option(
    "--max-retries",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="Times a trial starts again after its worker died.",
)
@click.option("--quiet", is_flag=True, help="Print failures and the last line only.")
@click.option("--json-lines", is_flag=True, help="Print progress as one JSON object a line.")
@click.option(
    "--tensorboard",
    metavar="DIR",
    help="Also write TensorBoard event files: the running LLC of each run, by name.",
)
def sweep(file: Path, **options: Any) -> int:
    """Run what is not in the dataset yet.

    Exit code 0: all runs are there; 1: some failed; 2: the file is wrong; 130: stopped early (Ctrl-C, --time-budget),
    finished runs are kept and the same command goes on.
    """
    from llcray.driver import SweepOptions, run_sweep

    return run_sweep(file, SweepOptions(**options), choose=choose_on_interrupt)


def choose_on_interrupt(job_id: str) -> str:
    """Asks what becomes of a sweep on a cluster; where nobody can be asked, it is left running."""
    if not sys.stdin.isatty():
        return "leave"
    click.echo(
        f"\n{job_id} runs on the cluster. Type l to leave it running, s to stop it after the trials under way, "
        "k to kill it (finished runs are kept), w to watch on."
    )
    try:
        letter = click.prompt("What", type=click.Choice(list(CHOICES)), default="l")
    except click.Abort:
        letter = "l"
    return CHOICES[letter]


@main.command()
@click.argument("job_id", required=False)
@click.option("--address", metavar="ADDR", required=True, help="As for the sweep.")
def attach(job_id: str | None, address: str) -> int:
    """Watch a sweep that was submitted to a cluster: JOB_ID, or the newest."""
    from rich.console import Console

    from llcray.driver.cluster.submit import attach as watch_again

    return watch_again(address, job_id, Console(), choose_on_interrupt)


@main.command()
@click.argument("run_id")
@cluster_option
def logs(run_id: str, address: str) -> int:
    """Print what a worker of a running cluster wrote about the trial of one run."""
    from rich.console import Console

    from llcray.driver.cluster.status import show_logs

    return show_logs(address, run_id, Console())


@main.command()
@click.argument("sweep", required=False)
@click.option("--job", metavar="ID", help="The sweep of this submitted job.")
@click.option("--now", is_flag=True, help="At once; finished runs are kept.")
@cluster_option
def stop(sweep: str | None, job: str | None, now: bool, address: str) -> int:
    """Stop a sweep on a running cluster after its trials under way."""
    from rich.console import Console

    from llcray.driver.cluster.status import ask_to_stop

    return ask_to_stop(address, sweep, job, now, Console())


@main.command()
@click.argument("name")
@click.option("--size", default="laptop", show_default=True, help="A size of the file: smoke, laptop, gpu.")
@click.option("--check", is_flag=True, help="Say which findings are reproduced; exit code 1 when one is not.")
@storage_option
@click.option("--address", metavar="ADDR", help="Ray cluster to use; without it Ray is started on this machine.")
@set_option
@click.option("--max-concurrent", type=click.IntRange(min=1), metavar="N", help="Trials at a time.")
@click.option("--quiet", is_flag=True, help="Print failures and findings only.")
def experiment(name: str, size: str, check: bool, **options: Any) -> int:
    """Run an experiment, a sweep with sizes and findings: NAME is a file, or its stem in ./experiments."""
    from rich.console import Console

    from llcray.driver import SweepOptions
    from llcray.experiment.command import run_experiment

    return run_experiment(name, size, SweepOptions(**options), check, Console())


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@storage_option
@set_option
@force_option
@retry_failed_option
@max_pack_option
@click.option("--max-concurrent", type=click.IntRange(min=1), metavar="N", help="Trials at a time.")
def plan(file: Path, **options: Any) -> None:
    """Say what a sweep would run: trials, runs, what is done already, estimated work. Touches no device."""
    from llcray.driver import SweepOptions, describe_plan

    describe_plan(file, SweepOptions(**options))


@main.command()
@uri_argument
@sweep_option
@click.option("--address", metavar="ADDR", help="Show a running cluster instead: machines, sweeps, trials, cost.")
def status(uri: str, sweep: str | None, address: str | None) -> int:
    """What is done and what failed, with reasons; with --address, what a cluster is doing."""
    from rich.console import Console

    if address is not None:
        from llcray.driver.cluster.status import show_cluster

        return show_cluster(address, sweep, Console())

    from llcray.report.tables import print_results, print_status

    if sweep is None:
        print_status(uri, Console())
    else:
        print_results(uri, sweep, Console())
    return 0


@main.command()
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
    from rich.console import Console

    from llcray.subnetwork.table import Comparison, print_comparison

    print_comparison(Comparison((before, *after), **wanted), form, output, Console())


@main.command()
@uri_argument
@click.argument("sql")
@click.option("--csv", "form", flag_value="csv", help="As CSV.")
@click.option("--json", "form", flag_value="json", help="As JSON lines.")
@click.option("--parquet", "form", flag_value="parquet", help="As Parquet; needs -o.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file.")
def query(uri: str, sql: str, form: str | None, output: Path | None) -> None:
    """Answer one SQL SELECT over the tables runs, draws, draws_long and targets."""
    from rich.console import Console

    from llcray.report.query import answer

    answer(uri, sql, form, output, Console())


@main.command()
@uri_argument
@click.option("--x", metavar="COLUMN", help="Along the x axis; chosen by what the sweep varies if left out.")
@click.option("--y", metavar="COLUMN", default="llc", show_default=True, help="Along the y axis.")
@click.option("--color", metavar="COLUMN", help="One colour a value; the sampler if left out.")
@click.option("--facet", metavar="COLUMN[,COLUMN]", help="One panel a value; a second column goes down.")
@click.option("--filter", "condition", metavar="CONDITION", help='Such as: activation == "relu" and num_data >= 5000')
@sweep_option
@click.option("--log-x/--linear-x", default=None, help="Logarithmic or linear; chosen by the values if left out.")
@click.option("--log-y/--linear-y", default=None, help="The same for y.")
@click.option("--level", "levels", multiple=True, metavar="[NAME=]VALUE", help="A line at a known number; repeatable.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="A .png, .svg or .pdf file.")
def plot(uri: str, facet: str | None, output: Path | None, **wanted: Any) -> None:
    """Plot a column against another: means over seeds, between-seed spread and Monte Carlo error told apart."""
    from llcray.report.plot import PlotRequest
    from llcray.report.plot import plot as save_plot

    facets = [name.strip() for name in facet.split(",")] if facet else []
    click.echo(save_plot(uri, PlotRequest(facets=facets, **wanted), output))


@main.command()
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
def stages(uri: str, sweep: str, metric: str, method: Any) -> None:
    """Find the stages of a metric along training; they are kept in the dataset's table `stages` and printed."""
    from rich.console import Console

    from llcray.stages.command import find_stages

    find_stages(uri, sweep, metric, method, Console())


@main.command()
@click.argument("uri")
@click.argument("run_id", required=False)
@click.option("--all", "every_run", is_flag=True, help="Every run that has an estimate, instead of one.")
@sweep_option
@click.option("--plots", metavar="NAME[,NAME...]", help="Only these plots; an unknown name lists them.")
@click.option("--format", "form", type=click.Choice(IMAGE_FORMATS), default="png", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Folder to write to.")
def diagnose(
    uri: str, run_id: str | None, every_run: bool, sweep: str | None, plots: str | None, form: str, output: Path | None
) -> None:
    """Plot the draws of a run: running LLC, trace, autocorrelation, ESS, R-hat, ranks, energy, acceptance, ..."""
    from llcray.report.diagnostics.diagnose import diagnose as draw_one
    from llcray.report.diagnostics.diagnose import diagnose_all

    names = [name.strip() for name in plots.split(",")] if plots else []
    if every_run == (run_id is not None):
        raise click.UsageError("give a RUN_ID, or --all.")
    if run_id is not None:
        for path in draw_one(uri, run_id, names, form, output):
            click.echo(path)
        return
    for one, drawn in diagnose_all(uri, sweep, names, form, output):
        click.echo(f"{one}: {len(drawn)} plots in {drawn[0].parent}" if isinstance(drawn, list) else drawn)


@main.command()
@uri_argument
@sweep_option
@click.option("--question", metavar="TEXT", help="What the sweep was to answer, for the heading.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default="report.html", show_default=True)
def report(uri: str, sweep: str | None, question: str | None, output: Path) -> None:
    """Write one self-contained HTML page: plots, table of runs, verdicts, agreement, cost, provenance."""
    from llcray.report.page.page import write_report

    click.echo(write_report(uri, sweep, output, question))


@main.command()
@click.argument("uri")
@click.argument("run_id")
@click.option(
    "--netcdf", "output", type=click.Path(path_type=Path), metavar="FILE", required=True, help="File to write."
)
def export(uri: str, run_id: str, output: Path) -> None:
    """Write one run's draws for ArviZ (InferenceData, or DataTree on ArviZ 1)."""
    from llcray.report.netcdf import export_netcdf

    click.echo(export_netcdf(uri, run_id, output))


@main.command()
@uri_argument
@click.option("--to", "folder", type=click.Path(path_type=Path), metavar="DIR", required=True, help="Where to.")
@sweep_option
@click.option("--plots", metavar="NAME[,NAME...]", help="Diagnostics to show; a few by default.")
def promote(uri: str, folder: Path, sweep: str | None, plots: str | None) -> None:
    """Put the newest plots of each sampler into a folder of fixed names, with a Markdown gallery."""
    from llcray.report.promote import SHOWN
    from llcray.report.promote import promote as promote_plots

    names = [name.strip() for name in plots.split(",")] if plots else SHOWN
    for path in promote_plots(uri, folder, sweep, names):
        click.echo(path)


@main.command()
@click.option("--quick", "size", flag_value="quick", help="Six small targets, in under a minute.")
@click.option("--full", "size", flag_value="full", help="With 10^5 parameters, 60 random tasks and ten networks.")
@click.option("--random", "size", flag_value="random", help="The 60 random tasks and ten networks alone, with auto.")
@storage_option
@click.option("--sampler", "kinds", metavar="KIND", multiple=True, help="Only this sampler; repeatable.")
@force_option
def validate(size: str | None, storage: str, kinds: tuple[str, ...], force: bool) -> int:
    """Estimate what is known: each known answer beside its estimate, and how good the samplers are.

    Rows land in the dataset as sweep `validation`; a second call goes on where the first stopped. Minutes on two
    cores without a size; --full and --random take long. Traps (steps far too large, centers that are no minima, chains
    that cannot move) belong to all but --quick and --random: none may end in `ok`. Exit code 1: a run has no estimate,
    or a trap went unnoticed.
    """
    from llcray.driver.trials.process import limit_process
    from llcray.validation.suite import KINDS

    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise click.BadParameter(f"'{unknown[0]}' is not in the suite: use one of {', '.join(KINDS)}.")
    limit_process(cpus=1, gpus=0)
    from llcray.validation.run import ValidationOptions
    from llcray.validation.run import validate as run_validation

    return run_validation(ValidationOptions(storage, cast(Any, size or "default"), kinds, force))


@main.command()
@uri_argument
@click.option("--deep", is_flag=True, help="Also check every hash, page and digest.")
@click.option("--repair", is_flag=True, help="Move what is damaged to quarantine, and list what to run again.")
def verify(uri: str, deep: bool, repair: bool) -> int:
    """Check that the dataset is whole. Exit code 1 when it is not."""
    import llcray_storage as storage

    found = storage.verify(uri, deep, repair)
    for line in finding_lines(found.findings):
        click.echo(line)
    for path in found.quarantined:
        click.echo(f"quarantined {path}")
    for sweep, run_ids in found.rerun.items():
        click.echo(f"run again: {len(run_ids)} runs of sweep '{sweep}': {' '.join(run_ids)}")
    if found.rebuild:
        click.echo(f"to be rebuilt by the next sweep: {len(found.rebuild)} targets: {' '.join(found.rebuild)}")
    click.echo(
        f"{uri} is whole." if found.ok else f"{uri} is damaged{', repaired' if repair else ': --repair mends it'}."
    )
    return 0 if found.ok or repair else 1


def finding_lines(findings: Sequence[Any]) -> list[str]:
    """One line a finding; of remarks of one kind in one place, the first few."""
    lines: list[str] = []
    places = Counter((finding.kind, finding.path) for finding in findings if not finding.is_error)
    shown: Counter[tuple[str, str]] = Counter()
    for finding in findings:
        place = (finding.kind, finding.path)
        shown[place] += 1
        if finding.is_error or shown[place] <= MAX_REMARKS:
            lines.append(f"{finding.kind} {finding.path}: {finding.problem}")
        elif shown[place] == places[place]:
            lines.append(f"{finding.kind} {finding.path}: and {places[place] - MAX_REMARKS} more")
    return lines


@main.command()
@uri_argument
@sweep_option
def compact(uri: str, sweep: str | None) -> None:
    """Merge small files into large ones; readers and writers go on undisturbed."""
    import llcray_storage as storage

    for done in storage.compact(uri, sweep):
        click.echo(f"{done.partition}: {done.absorbed} runs merged, {done.num_segments} files now")
        for left in done.left:
            click.echo(f"  left as it is: {left}")


@main.command()
@uri_argument
def gc(uri: str) -> None:
    """Remove targets that no run refers to, a week after they were last used."""
    import llcray_storage as storage

    collected = storage.gc(uri)
    click.echo(f"{len(collected.target_ids)} targets removed, {collected.num_bytes / 1e6:.1f} MB freed")


@main.command(name="import")
@click.argument("source")
@click.argument("destination")
def import_(source: str, destination: str) -> None:
    """Add the runs and targets of another dataset; those that are there already stay."""
    import llcray_storage as storage

    done = storage.import_dataset(source, destination)
    click.echo(f"{done.num_runs} runs and {done.num_targets} targets imported, {done.num_known} were there already")
    for left in done.left:
        click.echo(f"left out: {left}")
