"""The files that sweeps were asked with, so that a dataset says which question it answers.

sweeps/sweep=S/<12 digits>.json: one for each different file and overrides; the highest number is the newest.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from llcray_storage.errors import ObjectMissingError
from llcray_storage.read import opened
from llcray_storage.state.manifest import numbers_of
from llcray_storage.store.layout import sweep_partition
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root

FOLDER = "sweeps"


@dataclass(frozen=True)
class SweepFile:
    """What a sweep was asked with.

    Attributes:
        sweep: Its name.
        question: What it is to answer.
        source: Text of the file.
        overrides: `path=value` texts of the command line.
        written_at: When it was first seen, UTC, ISO 8601.
    """

    sweep: str
    question: str
    source: str
    overrides: tuple[str, ...] = ()
    written_at: str = ""


def sweep_files(root: Root, sweep: str) -> list[SweepFile]:
    """All files that a sweep of this name was asked with, oldest first; none for datasets made otherwise.

    Raises:
        StorageError: There is no dataset.
    """
    store = opened(root)
    return [file for number in _numbers(store, sweep) if (file := _read(store, sweep, number)) is not None]


def commit_sweep_file(store: ObjectStore, file: SweepFile) -> bool:
    """Keep a file, unless the newest of its sweep says the same. True when it was written.

    Raises:
        StorageError: Storage cannot be written, or the name cannot be a folder.
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


def import_sweep_files(here: ObjectStore, there: ObjectStore) -> int:
    """Copy the files that are not there; how many came."""
    came = 0
    names = [name.removeprefix("sweep=") for name in here.folders(FOLDER) if name.startswith("sweep=")]
    for sweep in sorted(names):
        known = [_read(there, sweep, number) for number in _numbers(there, sweep)]
        contents = {_content(file) for file in known if file is not None}
        for number in _numbers(here, sweep):
            file = _read(here, sweep, number)
            if file is not None and _content(file) not in contents:
                came += commit_sweep_file(there, file)
    return came


def _path(sweep: str, number: int) -> str:
    return f"{FOLDER}/sweep={sweep_partition(sweep).sweep}/{number:012d}.json"


def _numbers(store: ObjectStore, sweep: str) -> list[int]:
    return numbers_of(store.names(f"{FOLDER}/sweep={sweep_partition(sweep).sweep}"))


def _read(store: ObjectStore, sweep: str, number: int) -> SweepFile | None:
    """None where the file is gone or is not what its name says: no estimate depends on it."""
    try:
        found = json.loads(store.get(_path(sweep, number)))
        return SweepFile(**found | {"overrides": tuple(found["overrides"])})
    except (ObjectMissingError, ValueError, KeyError, TypeError):
        return None


def _content(file: SweepFile) -> tuple[str, str, tuple[str, ...]]:
    return file.question, file.source, file.overrides
