"""The command that estimates what is known."""

from typing import Any, cast

import click

from llcray.cli.options import option_of_sweep


@click.command()
@click.option("--quick", "size", flag_value="quick", help="Six small targets, in under a minute.")
@click.option("--full", "size", flag_value="full", help="With 10^5 parameters, 60 random tasks and ten networks.")
@click.option("--random", "size", flag_value="random", help="The 60 random tasks and ten networks alone, with auto.")
@click.option(
    "--networks", "size", flag_value="networks", help="Twelve networks of which long exact chains know the LLC."
)
@click.option("--routes", "size", flag_value="routes", help="Targets by all routes to an LLC, and which agree.")
@option_of_sweep("storage")
@click.option("--sampler", "kinds", metavar="KIND", multiple=True, help="Only this sampler; repeatable.")
@option_of_sweep("force")
def validate(size: str | None, storage: str, kinds: tuple[str, ...], force: bool) -> int:
    """Estimate what is known: each known answer beside its estimate, and how good the samplers are.

    Rows land in the dataset as sweep `validation`; a second call goes on where the first stopped. Minutes on two
    cores without a size; --full, --random and --networks take long. Traps (steps far too large, centers that are no
    minima, chains that cannot move) belong to --full and to no size: none may end in `ok`. Exit code 1: a run has no
    estimate, or a trap went unnoticed.
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
