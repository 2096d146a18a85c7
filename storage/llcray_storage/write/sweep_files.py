"""Keeps the YAML files that sweeps were run with, so that a dataset says which question it answers.

    sweeps/sweep=S/<12 digits>.json

There is one for each different combination of file and overrides; the highest number is the newest.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from llcray_storage.errors import ObjectMissingError
from llcray_storage.state.manifest import numbers_of
from llcray_storage.store.layout import sweep_partition, sweeps_among
from llcray_storage.store.marker import open_existing
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root

FOLDER = "sweeps"


@dataclass(frozen=True)
class SweepFile:
    """The file that a sweep was run with.

    Attributes:
        sweep: Name of the sweep.
        question: The question that the sweep is to answer.
        source: Text of the file.
        overrides: `path=value` texts of the command line.
        written_at: When the file was first run, UTC, ISO 8601.
    """

    sweep: str
    question: str
    source: str
    overrides: tuple[str, ...] = ()
    written_at: str = ""


def sweep_files(root: Root, sweep: str) -> list[SweepFile]:
    """Read all files that a sweep of this name was run with, oldest first; none when its runs came another way.

    Raises:
        StorageError: There is no dataset.
    """
    store = open_existing(root)
    return [file for number in _numbers(store, sweep) if (file := _read(store, sweep, number)) is not None]


def commit_sweep_file(store: ObjectStore, file: SweepFile) -> bool:
    """Keep a file, unless the newest of its sweep says the same; returns whether it was written.

    Raises:
        StorageError: Storage cannot be written, or the name of the sweep cannot be a folder.
    """
    while True:
        number = max(_numbers(store, file.sweep), default=0)
        newest = _read(store, file.sweep, number) if number else None
        if newest is not None and _content(newest) == _content(file):
            return False
        stamped = asdict(file) | {"written_at": file.written_at or datetime.now(UTC).isoformat(timespec="seconds")}
        data = json.dumps(stamped, indent=1, ensure_ascii=False).encode()
        if store.put_if_absent(_path(file.sweep, number + 1), data):
            return True


def import_sweep_files(source: ObjectStore, destination: ObjectStore) -> int:
    """Copy the files that the destination lacks; returns how many were copied."""
    return sum(_copy_files(source, destination, sweep, sweep) for sweep in sweeps_among(source.folders(FOLDER))[0])


def copy_sweep_files(store: ObjectStore, sweep: str, new_name: str) -> int:
    """Copy the files of a sweep that one of another name lacks; returns how many were copied. Their texts stay."""
    return _copy_files(store, store, sweep, new_name)


def _copy_files(source: ObjectStore, destination: ObjectStore, sweep: str, new_name: str) -> int:
    known = [_read(destination, new_name, number) for number in _numbers(destination, new_name)]
    contents = {_content(file) for file in known if file is not None}
    num_copied = 0
    for number in _numbers(source, sweep):
        file = _read(source, sweep, number)
        if file is not None and _content(file) not in contents:
            num_copied += commit_sweep_file(destination, replace(file, sweep=new_name))
    return num_copied


def sweep_files_folder(sweep: str) -> str:
    """Return the folder of the files of a sweep."""
    return f"{FOLDER}/sweep={sweep_partition(sweep).sweep}"


def _path(sweep: str, number: int) -> str:
    return f"{sweep_files_folder(sweep)}/{number:012d}.json"


def _numbers(store: ObjectStore, sweep: str) -> list[int]:
    return numbers_of(store.names(sweep_files_folder(sweep)))


def _read(store: ObjectStore, sweep: str, number: int) -> SweepFile | None:
    """Read one file; None where it is gone or damaged, which is no error since no estimate depends on it."""
    try:
        fields = json.loads(store.get(_path(sweep, number)))
        file = SweepFile(**fields | {"overrides": tuple(fields["overrides"])})
        texts = (file.question, file.source, file.written_at, *file.overrides)
        return file if file.sweep == sweep and all(isinstance(text, str) for text in texts) else None
    except (ObjectMissingError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _content(file: SweepFile) -> tuple[str, str, tuple[str, ...]]:
    return file.question, file.source, file.overrides
