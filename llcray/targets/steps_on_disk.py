"""Checkpoints of one training on disk: the files or folders that a path with wildcards names, by step."""

import re
from collections.abc import Callable
from pathlib import Path

WILDCARDS = re.compile(r"[*?[]")
STEP = re.compile(r"(\d+)$")


def is_pattern(path: Path) -> bool:
    """Whether a path names several files or folders."""
    return WILDCARDS.search(str(path)) is not None and not path.exists()


def step_of(name: str) -> int:
    """The number that ends the name of a folder, of a revision, or of a file without its suffix."""
    match = STEP.search(name)
    assert match is not None
    return int(match[1])


def paths_by_step(pattern: Path, is_wanted: Callable[[Path], bool], what: str, name: str) -> list[Path]:
    """The paths that a pattern names, by step.

    Args:
        pattern: A full path with wildcards.
        is_wanted: Whether a path is a file or folder of the kind that is looked for.
        what: Word for that kind: `file` or `folder`.
        name: Names of that kind, with `*` for the step: `checkpoint-*`.

    Raises:
        ValueError: There are none, or a name ends in no number.
    """
    root = next(parent for parent in pattern.parents if parent.is_dir())
    found = [path for path in root.glob(str(pattern.relative_to(root))) if is_wanted(path)]
    if not found:
        raise ValueError(f"there is no {what} {pattern}: give a {what}, or a pattern such as run/{name}")
    if unnumbered := [path.name for path in found if STEP.search(_name(path)) is None]:
        raise ValueError(
            f"{pattern} names {unnumbered[0]}, which ends in no step; name {what}s like {name.replace('*', '100')}"
        )
    return sorted(found, key=lambda path: step_of(_name(path)))


def _name(path: Path) -> str:
    return path.stem if path.is_file() else path.name
