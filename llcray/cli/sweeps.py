"""Commands that run sweeps, or say what they would run."""

from pathlib import Path
from typing import Any

import click

from llcray.cli.cluster import choose_on_interrupt
from llcray.cli.options import option_of_sweep, options_of_sweep


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@options_of_sweep()
def sweep(file: Path, **options: Any) -> int:
    """Run what is not in the dataset yet.

    Exit code 0: all runs are there; 1: some failed; 2: the file is wrong, or this machine lacks what it needs; 130:
    stopped early (Ctrl-C, --time-budget, Ray died), finished runs are kept and the same command goes on.
    """
    from llcray.driver import SweepOptions, run_sweep

    return run_sweep(file, SweepOptions(**options), choose=choose_on_interrupt)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@options_of_sweep("storage", "overrides", "force", "retry_failed", "max_pack", "max_concurrent")
def plan(file: Path, **options: Any) -> None:
    """Say what a sweep would run: trials, runs, what is done already, estimated work. Touches no device."""
    from llcray.driver import SweepOptions, describe_plan

    describe_plan(file, SweepOptions(**options))


@click.command()
@click.argument("name")
@click.option("--size", default="laptop", show_default=True, help="A size of the file: smoke, laptop, gpu.")
@click.option("--check", is_flag=True, help="Say which findings are reproduced; exit code 1 when one is not.")
@option_of_sweep("storage")
@option_of_sweep("address", help="Ray cluster to use; without it Ray is started on this machine.")
@options_of_sweep("overrides", "max_concurrent")
@option_of_sweep("quiet", help="Print failures and findings only.")
def experiment(name: str, size: str, check: bool, **options: Any) -> int:
    """Run an experiment, a sweep with sizes and findings: NAME is a file, or one that ships, such as grokking."""
    from llcray.driver import SweepOptions
    from llcray.experiment.command import run_experiment
    from llcray.terminal.console import Terminal

    return run_experiment(name, size, SweepOptions(**options), check, Terminal())
