"""Keeps the states of unfinished runs, so that another worker can resume a run whose worker is gone.

A state is a file that never changes, named by its number and the hash of its bytes; the newest whole one counts. It is
no commit: readers never see it, and it is removed when its run is committed, or a week later.

The end of a run that another run goes on from is kept likewise, under a name of its own (`end_of`), and removed when
that other run is committed.
"""

import hashlib

from llcray_storage.errors import ObjectMissingError
from llcray_storage.store.layout import ID, UNFINISHED, UNFINISHED_FILE, checked_id
from llcray_storage.store.objects import ObjectStore

KEPT_SECONDS = 7 * 86400.0
"""States that are older than this are removed by a vacuum."""


def end_of(run_id: str) -> str:
    """The name under which the end of a run is kept for the run that goes on from it."""
    return f"{run_id}-end"


def keep_unfinished(store: ObjectStore, run_id: str, data: bytes) -> None:
    """Keep the state of a run in the place of its earlier state.

    Raises:
        StorageError: The state cannot be written; the earlier one stays.
    """
    earlier = _names(store, run_id)
    number = max((int(name[:12]) for name in earlier), default=0) + 1
    store.put_if_absent(f"{_folder(run_id)}/{number:012d}-{_digest(data)}", data)
    for name in earlier:
        store.delete(f"{_folder(run_id)}/{name}")


def load_unfinished(store: ObjectStore, run_id: str) -> bytes | None:
    """Read the newest whole state of a run; None when there is none.

    Raises:
        StorageError: Storage cannot be read.
    """
    for name in sorted(_names(store, run_id), reverse=True):
        try:
            data = store.get(f"{_folder(run_id)}/{name}")
        except ObjectMissingError:
            continue
        if name.endswith(_digest(data)):
            return data
    return None


def drop_unfinished(store: ObjectStore, run_id: str) -> None:
    """Remove the states of a run."""
    for name in _names(store, run_id):
        store.delete(f"{_folder(run_id)}/{name}")


def drop_old_unfinished(store: ObjectStore, before: float) -> int:
    """Remove states written before a time (seconds since the epoch, storage's clock); returns how many."""
    old = [
        f"{UNFINISHED}/{run_id}/{entry.name}"
        for run_id in store.folders(UNFINISHED)
        if ID.fullmatch(run_id)
        for entry in store.entries(f"{UNFINISHED}/{run_id}")
        if entry.modified < before and UNFINISHED_FILE.fullmatch(entry.name)
    ]
    for key in old:
        store.delete(key)
    return len(old)


def _folder(run_id: str) -> str:
    return f"{UNFINISHED}/{checked_id(run_id)}"


def _names(store: ObjectStore, run_id: str) -> list[str]:
    return [name for name in store.names(_folder(run_id)) if UNFINISHED_FILE.fullmatch(name)]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
