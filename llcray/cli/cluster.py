"""Commands for a cluster on which sweeps run."""

import sys

import click

from llcray.cli.options import cluster_option

CHOICES = {"l": "leave", "s": "stop", "k": "kill", "w": "watch"}


@click.command()
@click.argument("job_id", required=False)
@click.option("--address", metavar="ADDR", required=True, help="As for the sweep.")
def attach(job_id: str | None, address: str) -> int:
    """Watch a sweep that was submitted to a cluster: JOB_ID, or the newest."""
    from llcray.driver.cluster.submit import attach as watch_again
    from llcray.terminal.console import Terminal

    return watch_again(address, job_id, Terminal(), choose_on_interrupt)


@click.command()
@click.argument("run_id")
@cluster_option
def logs(run_id: str, address: str) -> int:
    """Print what a worker of a running cluster wrote about the trial of one run."""
    from llcray.driver.cluster.status import show_logs
    from llcray.terminal.console import Terminal

    return show_logs(address, run_id, Terminal())


@click.command()
@click.argument("sweep", required=False)
@click.option("--job", metavar="ID", help="The sweep of this submitted job.")
@click.option("--now", is_flag=True, help="At once; finished runs are kept.")
@cluster_option
def stop(sweep: str | None, job: str | None, now: bool, address: str) -> int:
    """Stop a sweep on a running cluster after its trials under way."""
    from llcray.driver.cluster.status import ask_to_stop
    from llcray.terminal.console import Terminal

    return ask_to_stop(address, sweep, job, now, Terminal())


def choose_on_interrupt(job_id: str) -> str:
    """Asks what becomes of a sweep on a cluster; where nobody can be asked, the sweep is left running."""
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
