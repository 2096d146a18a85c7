"""Unfinished runs: what a worker has so far, for whoever takes the run up when that worker is gone.

A state is a file of its own, never changed, named by its number and the hash of its bytes; the newest whole one
counts. It is no commit: readers never see it, and it goes when its run is committed, or a week later.
"""

import hashlib
import re

from llcray_storage.errors import ObjectMissingError
from llcray_storage.store.layout import UNFINISHED, checked_id
from llcray_storage.store.objects import ObjectStore

NAME = re.compile(r"([0-9]{12})-([0-9a-f]{16})")
KEPT_SECONDS = 7 * 86400.0


def keep_unfinished(store: ObjectStore, run_id: str, data: bytes) -> None:
    """Keeps what a run has so far, instead of what it had before.

    Raises:
        StorageError: It cannot be written; what was there before stays.
    """
    before = _names(store, run_id)
    number = max((int(name[:12]) for name in before), default=0) + 1
    store.put_if_absent(f"{_folder(run_id)}/{number:012d}-{_digest(data)}", data)
    for name in before:
        store.delete(f"{_folder(run_id)}/{name}")


def load_unfinished(store: ObjectStore, run_id: str) -> bytes | None:
    """The newest whole state of a run; None where there is none.

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
    """Forgets what an unfinished run had."""
    for name in store.names(_folder(run_id)):
        store.delete(f"{_folder(run_id)}/{name}")


def drop_old_unfinished(store: ObjectStore, before: float) -> int:
    """Forgets states that nobody took up since `before`, by the storage's clock; returns how many."""
    old = [
        f"{UNFINISHED}/{run_id}/{entry.name}"
        for run_id in store.folders(UNFINISHED)
        for entry in store.entries(f"{UNFINISHED}/{run_id}")
        if entry.modified < before
    ]
    for key in old:
        store.delete(key)
    return len(old)


def _folder(run_id: str) -> str:
    return f"{UNFINISHED}/{checked_id(run_id)}"


def _names(store: ObjectStore, run_id: str) -> list[str]:
    return [name for name in store.names(_folder(run_id)) if NAME.fullmatch(name)]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
