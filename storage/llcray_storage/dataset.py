"""A dataset opened for writing: the object trials and the driver hold.

It keeps no lock and no connection; any number may be open.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from llcray_storage import read
from llcray_storage.maintain.compact import compact_if_due
from llcray_storage.state.lookup import SegmentLookup
from llcray_storage.store.layout import sweep_partition
from llcray_storage.store.marker import ensure_dataset, require_dataset
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root, open_store
from llcray_storage.write.commit import WriteOutcome, commit_run
from llcray_storage.write.stages import commit_stages
from llcray_storage.write.sweep_files import SweepFile, commit_sweep_file
from llcray_storage.write.targets import commit_target, load_target
from llcray_storage.write.unfinished import drop_unfinished, keep_unfinished, load_unfinished


class Dataset:
    """Runs and targets under one root.

    Attributes:
        root: What it was opened with; give it to the scan functions.
    """

    def __init__(self, root: Root, store: ObjectStore) -> None:
        """Use `create_or_open` or `open`."""
        self.root = root
        self._store = store
        self._lookups: dict[str, SegmentLookup] = {}

    @classmethod
    def create_or_open(cls, root: Root) -> "Dataset":
        """The dataset at a path, URI or profile file, made if there is none; checks that it can be written.

        Raises:
            StorageError: It cannot be written, or is of a newer version.
        """
        store = open_store(root)
        ensure_dataset(store)
        return cls(root, store)

    @classmethod
    def open(cls, root: Root) -> "Dataset":
        """An existing dataset; nothing is written before the first write.

        Raises:
            StorageError: There is none, or it is of a newer version.
        """
        store = open_store(root)
        require_dataset(store)
        return cls(root, store)

    @property
    def uri(self) -> str:
        """Where the dataset is, profile resolved."""
        return self._store.uri

    def write_run(self, row: Mapping[str, Any], draws: Sequence[Mapping[str, Any]] = ()) -> WriteOutcome:
        """Write a run and its chains, whole or not at all, once.

        Args:
            row: Columns of `runs`: run_id, sweep and status at least. Without `generation` a run that is there stays
                (but `ok` replaces `failed`); a deliberate rerun gives `generations(sweep)[run_id] + 1`.
            draws: One mapping a chain with columns of `draws`: `chain` and series with one number a draw.

        Raises:
            StorageError: An unknown column, a wrong type, an overflow, or storage that cannot be written.
        """
        sweep = row.get("sweep")
        partition = sweep_partition(sweep if isinstance(sweep, str) else "")
        lookup = self._lookups.setdefault(partition.folder, SegmentLookup(self._store, partition))
        return commit_run(self._store, partition, lookup, row, draws)

    def write_target(self, row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> WriteOutcome:
        """Write a target's arrays and row, once. When another build was first, read that one and use it.

        Args:
            row: Columns of `targets`: target_id at least.
            arrays: Arrays by name, of any shape.

        Raises:
            StorageError: The row or an array is refused, or storage cannot be written.
        """
        return commit_target(self._store, row, arrays)

    def write_stages(self, sweep: str, metric: str, method: str, rows: Sequence[Mapping[str, Any]]) -> WriteOutcome:
        """Write the stages of a metric that a method found in a sweep, in the place of those found before.

        Raises:
            StorageError: A row is refused, or storage cannot be written.
        """
        return commit_stages(self._store, sweep, metric, method, rows)

    def read_target(self, target_id: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        """Row and arrays of a target, checked against their hash; None when it has to be built.

        Raises:
            StorageError: Storage cannot be read.
        """
        return load_target(self._store, target_id)

    def keep_unfinished(self, run_id: str, data: bytes) -> None:
        """Keep what an unfinished run has so far; it replaces what was kept before, and goes with `drop_unfinished`.

        Raises:
            StorageError: It cannot be written; what was kept before stays.
        """
        keep_unfinished(self._store, run_id, data)

    def load_unfinished(self, run_id: str) -> bytes | None:
        """What an unfinished run had; None where nothing whole was kept.

        Raises:
            StorageError: Storage cannot be read.
        """
        return load_unfinished(self._store, run_id)

    def drop_unfinished(self, run_id: str) -> None:
        """Forget what an unfinished run had: it is committed now, or not to be taken up."""
        drop_unfinished(self._store, run_id)

    def write_sweep_file(self, file: SweepFile) -> bool:
        """Keep the file that a sweep was asked with; False when the newest of its sweep says the same.

        Raises:
            StorageError: Storage cannot be written.
        """
        return commit_sweep_file(self._store, file)

    def finished(self, sweep: str) -> dict[str, str]:
        """Status (ok or failed) of every run of a sweep that has one.

        Raises:
            StorageError: The dataset is damaged.
        """
        return read.finished(self.root, sweep)

    def compact_if_due(self, sweep: str) -> bool:
        """Compact a sweep that has gathered many small files; True when it did.

        Raises:
            StorageError: The dataset is damaged, or cannot be written.
        """
        return compact_if_due(self.root, sweep)

    def generations(self, sweep: str) -> dict[str, int]:
        """Generation that counts of every run of a sweep.

        Raises:
            StorageError: The dataset is damaged.
        """
        return read.generations(self.root, sweep)
