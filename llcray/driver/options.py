"""The options of a sweep: one table of which the command line, a submission and the "again" line are made.

A new option is a new field of `SweepOptions`, and nothing else. No option is part of a run's identity. This module
loads nothing heavy, since `llcray sweep --help` is made of it.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from llcray.driver.errors import DriverError


@dataclass(frozen=True)
class Option:
    """The line of one option in the table: how it is written, and what becomes of it away from this machine.

    Attributes:
        help: Its text in `--help`.
        metavar: Name of its value in `--help`; None for the one that follows from its type.
        flag: Its name on the command line; None for the one that follows from the field's name.
        minimum: Smallest value of a count.
        with_remote_address: What happens to it when the driver runs on a cluster that this machine is no part of. It is
            `forwarded` to that driver, takes effect `here` on the machine that submits, or is `refused`.
        remedy: Why a refused option cannot be used there, and what to do instead.
        without: Why an option that belongs to a cluster cannot be used without one, and what to do instead; empty for
            options that need none.
        is_repeated: Whether the command that goes on after an interruption has it again.
    """

    help: str
    metavar: str | None = None
    flag: str | None = None
    minimum: int | None = None
    with_remote_address: Literal["forwarded", "here", "refused"] = "forwarded"
    remedy: str = ""
    without: str = ""
    is_repeated: bool = True


@dataclass(frozen=True)
class SweepOptions:
    """Options of one call of `llcray sweep`, each with its line of the table. `time_budget` is in seconds."""

    storage: Annotated[str, Option("Path, s3://, gs:// or profile file.", metavar="URI")] = "results"
    address: Annotated[
        str | None,
        Option(
            "Ray cluster to use: auto or host:port on a machine of it, http://host:8265 or ray://host:10001 from "
            "outside. Without it Ray is started on this machine.",
            metavar="ADDR",
            with_remote_address="here",
        ),
    ] = None
    detach: Annotated[
        bool,
        Option(
            "From outside: submit and return; `llcray attach` watches it.",
            with_remote_address="here",
            without="only a cluster reached from outside goes on without this process. Give --address http://host:8265 "
            "or ray://host:10001; on this machine, start the command with nohup.",
            is_repeated=False,
        ),
    ] = False
    py_modules: Annotated[
        tuple[str, ...],
        Option(
            "Import package to send to the cluster, beside llcray; repeatable.",
            metavar="DIR",
            flag="--py-module",
            with_remote_address="here",
            without="workers on this machine import from this process's path. Leave it out, with the folder above the "
            "package on PYTHONPATH.",
        ),
    ] = ()
    overrides: Annotated[
        tuple[str, ...], Option("Change one value; repeatable.", metavar="PATH=VALUE", flag="--set")
    ] = ()
    max_concurrent: Annotated[int | None, Option("Trials at a time.", metavar="N", minimum=1)] = None
    max_pack: Annotated[
        int | None, Option("Targets in a trial; as many as suits if left out.", metavar="N", minimum=1)
    ] = None
    time_budget: Annotated[float | None, Option("Stop after this long; finished runs are kept.", metavar="2h")] = None
    force: Annotated[
        bool,
        # Repeated, it would compute once more what was computed before the interruption.
        Option("Compute every run again; the new results count.", is_repeated=False),
    ] = False
    retry_failed: Annotated[bool, Option("Compute failed runs again.")] = False
    max_retries: Annotated[int, Option("Times a trial starts again after its worker died.", minimum=0)] = 2
    quiet: Annotated[bool, Option("Print failures and the last line only.")] = False
    json_lines: Annotated[bool, Option("Print progress as one JSON object a line.")] = False
    tensorboard: Annotated[
        str | None,
        Option(
            "Also write TensorBoard event files: the running LLC of each run, by name.",
            metavar="DIR",
            with_remote_address="refused",
            remedy="the event files would stay on the cluster's head. Leave it out, or run the sweep with --address "
            "auto on a machine of the cluster.",
        ),
    ] = None


OPTIONS: Mapping[str, Option] = {entry.name: get_args(entry.type)[1] for entry in fields(SweepOptions)}
"""The table: the option of each field of `SweepOptions`, in the order of `--help`."""


def flag_of(name: str) -> str:
    """Returns the name on the command line of a field of `SweepOptions`, such as `--max-pack`."""
    return OPTIONS[name].flag or f"--{name.replace('_', '-')}"


def check_options(options: SweepOptions, is_remote: bool) -> None:
    """Refuses options that would be ignored without a cluster.

    Args:
        options: Options of the sweep.
        is_remote: Whether the cluster is reached from outside.

    Raises:
        DriverError: An option needs a cluster, and there is none.
    """
    for name, option in OPTIONS.items():
        is_met = is_remote if name == "detach" else options.address is not None
        if option.without and _words(options, name) and not is_met:
            raise DriverError(f"{' '.join(_words(options, name))} needs a cluster: {option.without}")


def forwarded_words(options: SweepOptions) -> list[str]:
    """Returns the words by which a driver elsewhere is given the options that take effect there.

    Raises:
        DriverError: An option cannot be used with a remote address.
    """
    for name, option in OPTIONS.items():
        if option.with_remote_address == "refused" and _words(options, name):
            given = " ".join(_words(options, name))
            raise DriverError(f"{given} cannot be used with --address {options.address}: {option.remedy}")
    return [
        word
        for name, option in OPTIONS.items()
        if option.with_remote_address == "forwarded"
        for word in _words(options, name)
    ]


def command_to_go_on(file: str | Path, options: SweepOptions) -> str:
    """Returns the command that goes on where a sweep of a file with these options has stopped."""
    words = [word for name, option in OPTIONS.items() if option.is_repeated for word in _words(options, name)]
    return shlex.join(["llcray", "sweep", str(file), *words])


def _words(options: SweepOptions, name: str) -> list[str]:
    """Returns an option as the words of a command line; none where it has its default."""
    value = getattr(options, name)
    if value == getattr(SweepOptions, name):
        return []
    if isinstance(value, bool):
        return [flag_of(name)]
    values = value if isinstance(value, tuple) else (value,)
    return [word for text in map(_text, values) for word in (flag_of(name), text)]


def _text(value: Any) -> str:
    # A duration is read back without an exponent.
    return f"{Decimal(str(value)).normalize():f}s" if isinstance(value, float) else str(value)
