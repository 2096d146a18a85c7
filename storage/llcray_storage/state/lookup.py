"""Looks up ids among the rows that are there, in segments (remembered between writes) or in a hot commit."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from llcray_storage.errors import ObjectMissingError
from llcray_storage.files.encode import UNREADABLE, read_parquet
from llcray_storage.state.manifest import ATTEMPTS, load_manifest, newest_manifest_number
from llcray_storage.state.snapshot import rows_in_segments, unreadable
from llcray_storage.store.layout import Partition
from llcray_storage.store.objects import ObjectStore


class KnownRow(NamedTuple):
    """Generation and status of a row that is there; targets have no status."""

    generation: int
    status: str | None


class SegmentLookup:
    """Finds rows by id in the segments of a partition, and reads the segments again when a compaction happened."""

    def __init__(self, store: ObjectStore, partition: Partition) -> None:
        self._store = store
        self._partition = partition
        self._number = 0
        self._rows: pl.DataFrame | None = None

    def find(self, identity: str) -> KnownRow | None:
        """Return the row of this id in segments, if there is one."""
        return self.find_all([identity]).get(identity)

    def find_all(self, identities: Sequence[str]) -> dict[str, KnownRow]:
        """Return the rows of these ids in segments, by id; ids without a row are left out."""
        for _ in range(ATTEMPTS):
            number = newest_manifest_number(self._store, self._partition)
            if number == 0:
                return {}
            try:
                if self._rows is None or number != self._number:
                    manifest = load_manifest(self._store, self._partition, number)
                    self._rows = rows_in_segments(self._store, self._partition, manifest)
                    self._number = number
            except (ObjectMissingError, FileNotFoundError):
                continue
            except (pl.exceptions.PolarsError, OSError) as error:
                raise unreadable(self._store, self._partition.title, error) from error
            break
        if self._rows is None:
            return {}
        rows = self._rows.filter(pl.col("id").is_in(list(identities))).select("id", "generation", "status")
        return {identity: KnownRow(generation, status) for identity, generation, status in rows.iter_rows()}


def hot_row(store: ObjectStore, partition: Partition, identity: str, generation: int) -> dict[str, object]:
    """Read the row of a hot commit.

    Raises:
        StorageError: The commit is damaged or missing.
    """
    key = partition.commit_path(identity, generation)
    data = store.get(key)
    try:
        return read_parquet(partition.table, data).to_pylist()[0]
    except (*UNREADABLE, IndexError) as error:
        raise unreadable(store, f"'{key}'", error) from error
