"""The interface to storage: put if absent, get, list, delete. The guarantees of the dataset rest on these alone."""

import time
from dataclasses import dataclass
from typing import Protocol

from llcray_storage.store.layout import QUARANTINE


@dataclass(frozen=True)
class Entry:
    """One object of a folder, as a listing shows it.

    Attributes:
        name: Name within the folder.
        size: Bytes.
        modified: Seconds since the epoch, by the storage's clock.
    """

    name: str
    size: int
    modified: float


class ObjectStore(Protocol):
    """A tree of immutable objects. A key is a path from the root of the tree, with slashes."""

    @property
    def uri(self) -> str:
        """The place of the tree, as a user would type it."""
        ...

    @property
    def scan_options(self) -> dict[str, str]:
        """The `storage_options` with which polars reads the objects itself."""
        ...

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Make the object appear whole, unless one of that key exists.

        Returns:
            True when the object that exists now was written by this call.

        Raises:
            StorageError: The object could not be written; then nothing of it is visible.
        """
        ...

    def get(self, key: str) -> bytes:
        """Return the object's bytes.

        Raises:
            ObjectMissingError: There is no such object.
        """
        ...

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        ...

    def names(self, folder: str) -> list[str]:
        """List the names of a folder's objects, without its subfolders; empty when there is no such folder."""
        ...

    def names_with_prefix(self, folder: str, prefix: str) -> list[str]:
        """List the names of a folder's objects that begin with a text, at a cost that the others do not add to."""
        ...

    def entries(self, folder: str) -> list[Entry]:
        """List a folder's objects with size and time, without its subfolders."""
        ...

    def folders(self, folder: str) -> list[str]:
        """List the names of a folder's subfolders."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object, if it exists."""
        ...

    def move(self, key: str, place: str) -> None:
        """Give the object another key.

        Raises:
            ObjectMissingError: There is no such object.
        """
        ...

    def check_folder(self, folder: str) -> None:
        """Refuse a folder of the dataset that leads out of it or cannot be written.

        Raises:
            StorageError: Nothing could be written below the folder.
        """
        ...

    def scan_source(self, key: str) -> str | bytes:
        """Return the path, URI or bytes under which polars' `scan_parquet` finds the object."""
        ...


def quarantine(store: ObjectStore, key: str) -> str:
    """Move an object out of the dataset without destroying it; returns its new key."""
    place = f"{QUARANTINE}/{int(time.time())}-{key.replace('/', '__')}"
    store.move(key, place)
    return place
