"""What is already known of one id: in segments (remembered between writes) or in a hot commit."""

from typing import NamedTuple

import polars as pl

from llcray_storage.errors import ObjectMissingError
from llcray_storage.files.encode import UNREADABLE, read_parquet
from llcray_storage.state import manifest as manifests
from llcray_storage.state.snapshot import damaged, segment_keys_frame
from llcray_storage.store.layout import Partition
from llcray_storage.store.objects import ObjectStore


class Known(NamedTuple):
    """A commit that is there."""

    generation: int
    status: str | None


class SegmentLookup:
    """Generation and status by id over the segments of a partition; reads them again when a compaction happened."""

    def __init__(self, store: ObjectStore, partition: Partition) -> None:
        """Remember nothing yet."""
        self._store = store
        self._partition = partition
        self._number = 0
        self._keys: pl.DataFrame | None = None

    def find(self, identity: str) -> Known | None:
        """The commit of this id in segments, if any."""
        for _ in range(manifests.ATTEMPTS):
            number = manifests.newest_number(self._store, self._partition)
            if number == 0:
                return None
            try:
                if self._keys is None or number != self._number:
                    manifest = manifests.load(self._store, self._partition, number)
                    self._keys = segment_keys_frame(self._store, self._partition, manifest)
                    self._number = number
            except (ObjectMissingError, FileNotFoundError):
                continue
            except (pl.exceptions.PolarsError, OSError) as error:
                raise damaged(self._store, self._partition.spoken, error) from error
            break
        if self._keys is None:
            return None
        rows = self._keys.filter(pl.col("id") == identity)
        return None if rows.is_empty() else Known(rows["generation"][0], rows["status"][0])


def hot_row(store: ObjectStore, partition: Partition, identity: str, generation: int) -> dict[str, object]:
    """The row of a hot commit.

    Raises:
        StorageError: It is damaged or missing.
    """
    key = partition.hot(identity, generation)
    data = store.get(key)
    try:
        return read_parquet(partition.table, data).to_pylist()[0]
    except (*UNREADABLE, IndexError) as error:
        raise damaged(store, f"'{key}'", error) from error
