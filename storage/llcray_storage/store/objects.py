"""The four things the dataset asks of storage: put if absent, get, list, delete. Everything else is built on these."""

import time
from dataclasses import dataclass
from typing import Protocol

from llcray_storage.errors import StorageError
from llcray_storage.store.layout import QUARANTINE


@dataclass(frozen=True)
class Entry:
    """One object of a folder.

    Attributes:
        name: Name within the folder.
        size: Bytes.
        modified: Seconds since the epoch, by the storage's clock.
    """

    name: str
    size: int
    modified: float


class ObjectStore(Protocol):
    """A tree of immutable objects."""

    @property
    def uri(self) -> str:
        """Where the tree is, as a user would type it."""
        ...

    @property
    def scan_options(self) -> dict[str, str]:
        """What polars needs beside `scan_source` to read objects itself."""
        ...

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Make the object appear whole, unless one is there. True when it is ours that is there.

        Raises:
            StorageError: It could not be written; nothing is visible then.
        """
        ...

    def get(self, key: str) -> bytes:
        """The object's bytes.

        Raises:
            ObjectMissingError: There is none.
        """
        ...

    def names(self, folder: str) -> list[str]:
        """Names of the objects of a folder, subfolders left out; empty when there is no such folder."""
        ...

    def entries(self, folder: str) -> list[Entry]:
        """The objects of a folder with size and time, subfolders left out."""
        ...

    def folders(self, folder: str) -> list[str]:
        """Names of the subfolders of a folder."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens when there is none."""
        ...

    def scan_source(self, key: str) -> str | bytes:
        """What polars' `scan_parquet` takes for the object."""
        ...


def quarantine(store: ObjectStore, key: str) -> str:
    """Take an object out of the dataset without destroying it; returns where it went."""
    place = f"{QUARANTINE}/{int(time.time())}-{key.replace('/', '__')}"
    try:
        store.put_if_absent(place, store.get(key))
    except OSError as error:
        raise StorageError(f"'{key}' could not be quarantined: {error}. Move it away by hand.") from error
    store.delete(key)
    return place
