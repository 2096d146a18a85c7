"""Problems of a sweep file: each has a place, and says what is wrong and what to write instead."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from llcray_storage.errors import UserError


@dataclass(frozen=True)
class Place:
    """The position at which a value was written.

    Attributes:
        source: The file as the user named it, or an override such as `--set targets.seed=3`.
        line: 1-based; 0 where a source has no lines.
        column: 1-based.
        path: Steps from the top of the sweep, as `--set` takes them: `targets.0.data.num_data`.
    """

    source: str
    line: int = 0
    column: int = 0
    path: str = ""

    def __str__(self) -> str:
        """The position as `file:line:col`, or the source alone where it has no lines."""
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source

    def at(self, *steps: str | int) -> "Place":
        """The same position, named by a path that goes `steps` further."""
        return Place(self.source, self.line, self.column, join(self.path, *steps))


@dataclass(frozen=True)
class Problem:
    """One mistake; `str()` gives the line that a user reads."""

    place: Place
    message: str

    def __str__(self) -> str:
        """The line `file:line:col: path: message`."""
        return ": ".join(part for part in (str(self.place), self.place.path, self.message) if part)


class SpecError(UserError, ValueError):
    """A sweep that cannot be run as written.

    Attributes:
        problems: Every mistake, each once, in the order of the file; those of overrides last.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=_order))
        super().__init__("\n".join(map(str, self.problems)))


def join(path: str, *steps: str | int) -> str:
    """A dotted path: `join("targets", 0, "data")` is `targets.0.data`."""
    return ".".join([*([path] if path else []), *map(str, steps)])


def suggestion(word: str, known: Iterable[str]) -> str:
    """The words `; did you mean 'x'?` when a known word is close, else an empty text."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _order(problem: Problem) -> tuple[bool, str, int, int]:
    place = problem.place
    return not place.line, place.source, place.line, place.column
