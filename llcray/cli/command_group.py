"""Ends every command alike: a user error as one line on stderr and exit code 2, an interrupt as exit code 130.

This module loads click, and the class that the user errors of all packages have as their base.
"""

import io
import sys
from collections.abc import Sequence
from typing import Any

import click
from llcray_storage.errors import UserError

from llcray.terminal.text import echo, stop_stream

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130
COMPUTE_MODULES = frozenset({"jax", "jaxlib", "flax", "optax", "blackjax", "ray", "sklearn", "ruptures"})
INSTALL_COMPUTE = 'python -m pip install "llcray[cpu]"'


class CommandGroup(click.Group):
    """A click group whose commands report in one line what the user can act on, listed by subject.

    Attributes:
        sections: Commands by the heading that `--help` lists them under, in its order.
    """

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self.sections: dict[str, tuple[click.Command, ...]] = {}

    def add_section(self, heading: str, *commands: click.Command) -> None:
        """Adds commands under a heading."""
        self.sections[heading] = commands
        for command in commands:
            self.add_command(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(len(command.name or "") for commands in self.sections.values() for command in commands)
        for heading, commands in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{command.name:<{width}}", _first_sentence(command)) for command in commands])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs the command line and exits."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A character that the stream cannot encode is no reason to stop.
                stream.reconfigure(errors="backslashreplace")
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help() if error.ctx else error.message)
            code = 0
        except click.ClickException as error:
            code = fail(_usage_line(error))
        except (click.Abort, KeyboardInterrupt):
            code = EXIT_INTERRUPTED
        except Exception as error:
            line = user_line(error)
            if line is None:
                raise
            code = fail(line)
        try:
            sys.stdout.flush()
        except OSError:
            stop_stream(sys.stdout)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader of our output (head, less) has left, which is no error; click would make it one.
            stop_stream(sys.stdout)
            return 0


def _first_sentence(command: click.Command) -> str:
    """The first sentence of a command's help, whole; click would cut it to a line."""
    return command.get_short_help_str(limit=1000).rstrip(".")


def fail(line: str) -> int:
    """Prints a line on stderr; returns the exit code of a user error."""
    echo(line, err=True)
    return EXIT_USER_ERROR


def user_line(error: Exception) -> str | None:
    """Returns the line that tells the user about an error; None for an error that the user cannot act on."""
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package in COMPUTE_MODULES:
            return f"this command needs '{package}', which is not installed: {INSTALL_COMPUTE}"
        return None
    return str(error) if isinstance(error, UserError) else None


def _usage_line(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split())
    return f"{context.command_path}: {message} See `{context.command_path} --help`." if context else message
