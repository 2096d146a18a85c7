"""Arguments and options that several commands share; those of sweeps come from `llcray.driver.options`."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast, get_args

import click
from llcray_storage.errors import StorageError, UserError

from llcray.driver.options import OPTIONS, SweepOptions, flag_of

UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

Command = TypeVar("Command", bound=Callable[..., Any])


class Duration(click.ParamType):
    """Seconds, written as 90, 90s, 15m, 2h or 1h30m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", value)
        if not parts or "".join(number + unit for number, unit in parts) != value:
            self.fail(f"'{value}' is no duration: write 90s, 15m, 2h or 1h30m.", param, ctx)
        seconds = sum(float(number) * UNIT_SECONDS[unit or "s"] for number, unit in parts)
        if seconds <= 0:
            self.fail(f"'{value}' is no time at all: give a duration above zero.", param, ctx)
        return seconds


uri_argument = click.argument("uri", default=SweepOptions.storage)
only_sweep_option = click.option("--sweep", metavar="NAME", help="Only this sweep.")
cluster_option = click.option(
    "--address", metavar="ADDR", default="auto", show_default=True, help="The cluster, as for the sweep."
)


def names_damage(command: Command) -> Command:
    """Returns a command that says what in its dataset is damaged, and what mends it, where a file cannot be read."""

    @wraps(command)
    def guarded(*words: Any, **options: Any) -> Any:
        try:
            return command(*words, **options)
        except Exception as error:
            # Readers raise these on a file that is cut, changed or gone; so does a fault of ours, which is no damage.
            if isinstance(error, UserError) or not (isinstance(error, OSError) or _is_of_polars(error)):
                raise
            line = _damage(options["uri"])
            if line is None:
                raise
            raise StorageError(line) from error

    return cast(Command, guarded)


def knows_sweep(command: Command) -> Command:
    """Returns a command that refuses a `--sweep` without runs, with the nearest name.

    `--address` asks a cluster instead, and `--watch` waits for the first run.
    """

    @wraps(command)
    def guarded(*words: Any, **options: Any) -> Any:
        is_asked_elsewhere = options.get("address") is not None or options.get("watched", False)
        if options["sweep"] is not None and not is_asked_elsewhere:
            from llcray_storage import require_sweep

            require_sweep(options["uri"], options["sweep"])
        return command(*words, **options)

    return cast(Command, guarded)


def _is_of_polars(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] == "polars"


def _damage(uri: str) -> str | None:
    """Returns a line about the damage of a dataset; None when it is whole."""
    import llcray_storage as storage
    from llcray_storage.store.layout import mending_command

    errors = [found for found in storage.verify(uri).findings if found.is_error]
    errors = errors or [found for found in storage.verify(uri, deep=True).findings if found.is_error]
    if not errors:
        return None
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{uri} is damaged: {errors[0].path}: {errors[0].problem}{more}. Run `{mending_command(uri)}`."


def option_of_sweep(name: str, help: str | None = None) -> Callable[[Command], Command]:
    """Returns a click option for a field of `SweepOptions`, made of its line in the table.

    Args:
        name: The field.
        help: Text to show instead of the table's.
    """
    option, default = OPTIONS[name], getattr(SweepOptions, name)
    value_type = _click_type(name)
    return click.option(
        flag_of(name),
        name,
        type=value_type,
        is_flag=value_type is click.BOOL,
        multiple=isinstance(default, tuple),
        metavar=option.metavar,
        default=default,
        show_default=bool(default),
        help=help or option.help,
    )


def options_of_sweep(*names: str) -> Callable[[Command], Command]:
    """Returns a decorator that gives a command some options of a sweep, in this order; all of them without names."""

    def decorate(command: Command) -> Command:
        for name in reversed(names or tuple(OPTIONS)):
            command = option_of_sweep(name)(command)
        return command

    return decorate


def _click_type(name: str) -> click.ParamType:
    """Returns click's type for a field of `SweepOptions`: its annotation without None, or the type of one item."""
    annotation = get_args(SweepOptions.__annotations__[name])[0]
    value_type = (get_args(annotation) or (annotation,))[0]
    if value_type is int:
        return click.IntRange(min=OPTIONS[name].minimum)
    return {bool: click.BOOL, float: Duration(), str: click.STRING}[value_type]
