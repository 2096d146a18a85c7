"""The command line: arguments in, one call out. Everything heavy is imported inside the command that needs it."""

import click

from llcray.cli.cluster import attach, logs, stop
from llcray.cli.command_group import CommandGroup
from llcray.cli.dataset import compact, gc, import_, remove, rename, verify
from llcray.cli.language import explain, new, schema
from llcray.cli.results import diagnose, export, plot, promote, query, report, stages, status, subnetwork
from llcray.cli.sweeps import experiment, plan, sweep
from llcray.cli.validation import validate


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="llcray")
def main() -> None:
    """Estimate local learning coefficients over sweeps, and look at what came out.

    URI is a local path, s3://bucket/prefix, gs://bucket/prefix, or a profile file; `results` where it is left out.
    """


main.add_section("Write a sweep", new, explain, schema)
main.add_section("Run it", plan, sweep, experiment, validate)
main.add_section("On a cluster", attach, logs, stop)
main.add_section("Look at results", status, report, plot, diagnose, query, export, promote, stages, subnetwork)
main.add_section("Look after a dataset", verify, compact, gc, remove, rename, import_)
