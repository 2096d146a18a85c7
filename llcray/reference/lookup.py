"""Finds what a user means by a name of the sweep language: a path, the end of one, or a word of papers."""

import difflib
from collections.abc import Iterable, Iterator

from llcray_storage.errors import UserError

from llcray.reference.catalogue import FieldEntry, Path, RecordEntry, catalogue
from llcray.spec.aliases import KEYS

Entry = RecordEntry | FieldEntry
MOST_SUGGESTIONS = 5


class UnknownNameError(UserError, LookupError):
    """A name that the sweep language does not have."""


def look_up(name: str) -> tuple[Entry, ...]:
    """The entries that a name may mean, each mapping once; several where the name alone does not decide.

    Args:
        name: A path from the top of a file (`targets.trained.data.file`, in which kinds stand where a file has `kind`),
            some of its steps in order with the last one (`data.file`, `sgld`, `sgld.step_size`), or a word of papers
            (`gamma`).

    Raises:
        UnknownNameError: Nothing has such a name.
    """
    words = tuple(word for word in name.strip().strip(".").lower().split(".") if word and not word.isdigit())
    found = _named(words) or tuple(
        entry for key in KEYS.get("".join(words[-1:]), ()) for entry in _named((*words[:-1], key))
    )
    if not found:
        raise UnknownNameError(_unknown(name, words))
    return found


def _named(words: Path) -> tuple[Entry, ...]:
    """The entries whose path is `words`, else those whose path ends in them, else those with them in this order."""
    everything = [entry for entry in _entries() if entry.path and words and entry.path[-1] == words[-1]]
    found = (
        [entry for entry in everything if entry.path == words]
        or [entry for entry in everything if entry.path[-len(words) :] == words]
        or [entry for entry in everything if _has_in_order(entry.path, words)]
    )
    return tuple({_identity(entry): entry for entry in reversed(found)}.values())[::-1]


def _has_in_order(path: Path, words: Path) -> bool:
    steps = iter(path)
    return all(word in steps for word in words)


def _entries() -> Iterator[Entry]:
    for record in catalogue():
        if record.kind or not record.path:
            yield record
        yield from record.fields


def _identity(entry: Entry) -> object:
    """What two entries share that stand for the same thing at two places of a file."""
    if isinstance(entry, RecordEntry):
        return entry.model
    return (entry.name, entry.meaning, entry.accepts, entry.default)


def _unknown(name: str, words: Path) -> str:
    """The line about a name that nothing has, with the nearest names: those at its place before all others."""
    *parents, last = words or (name,)
    everywhere = {entry.path[-1] for entry in _entries() if entry.path}
    there = {entry.path[-1] for entry in _entries() if entry.path and _has_in_order(entry.path[:-1], tuple(parents))}
    close = _nearest(last, there) if parents else _nearest(last, everywhere | set(KEYS))
    close = close or _nearest(last, everywhere)
    near = f"nearest names: {', '.join(close)}" if close else "`llcray explain` lists the keys of a sweep file"
    return f"'{name}' is no name of the sweep language; {near}."


def _nearest(word: str, names: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(word, names, n=MOST_SUGGESTIONS)
