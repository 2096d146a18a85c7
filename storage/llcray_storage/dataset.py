"""A dataset opened for writing, as trials and the driver hold it.

An open dataset holds no lock and no connection, so any number of them may be open.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from llcray_storage import read
from llcray_storage.maintain.compact import DUE_FILES, compact_if_due
from llcray_storage.state.lookup import SegmentLookup
from llcray_storage.store.layout import sweep_partition
from llcray_storage.store.marker import ensure_dataset, open_existing
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root, open_store
from llcray_storage.write.claims import Claims
from llcray_storage.write.commit import WriteOutcome, commit_run
from llcray_storage.write.stages import commit_stages
from llcray_storage.write.sweep_files import SweepFile, commit_sweep_file
from llcray_storage.write.targets import commit_target, load_target
from llcray_storage.write.unfinished import drop_unfinished, end_of, keep_unfinished, load_unfinished


class Dataset:
    """A dataset that can be written: runs, targets, stages and sweep files under one root.

    Attributes:
        root: The path, URI or profile that it was opened with; the scan functions take it.
    """

    def __init__(self, root: Root, store: ObjectStore) -> None:
        """Take a store that was checked; callers use `create_or_open` or `open`."""
        self.root = root
        self._store = store
        self._lookups: dict[str, SegmentLookup] = {}

    @classmethod
    def create_or_open(cls, root: Root) -> "Dataset":
        """Open the dataset at a path, URI or profile file, or make one there; check that it can be written.

        Raises:
            StorageError: The dataset cannot be written, or is of a newer version.
        """
        store = open_store(root)
        ensure_dataset(store)
        return cls(root, store)

    @classmethod
    def open(cls, root: Root) -> "Dataset":
        """Open a dataset that exists, without writing to it.

        Raises:
            StorageError: There is no dataset, or it is of a newer version.
        """
        return cls(root, open_existing(root))

    @property
    def uri(self) -> str:
        """The place of the dataset; of a profile, the URI that it names."""
        return self._store.uri

    def write_run(self, row: Mapping[str, Any], draws: Sequence[Mapping[str, Any]] = ()) -> WriteOutcome:
        """Write a run and its chains, whole or not at all, once.

        Args:
            row: Columns of `runs`; run_id, sweep and status at least. Without `generation`, a run that is there stays
                (but `done` replaces `failed`); a deliberate rerun gives `generations(sweep)[run_id] + 1`.
            draws: For each chain a mapping with columns of `draws`: `chain`, and series with one number a draw.

        Raises:
            StorageError: The row or a chain is refused (unknown column, wrong type, overflow), or storage cannot be
                written.
        """
        sweep = row.get("sweep")
        partition = sweep_partition(sweep if isinstance(sweep, str) else "")
        lookup = self._lookups.setdefault(partition.folder, SegmentLookup(self._store, partition))
        return commit_run(self._store, partition, lookup, row, draws)

    def write_target(self, row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> WriteOutcome:
        """Write a target's arrays and row, once. When another build was first (`created=False`), read and use that one.

        Args:
            row: Columns of `targets`; target_id at least.
            arrays: Arrays by name, of any shape.

        Raises:
            StorageError: The row or an array is refused, or storage cannot be written.
        """
        return commit_target(self._store, row, arrays)

    def write_stages(self, sweep: str, metric: str, method: str, rows: Sequence[Mapping[str, Any]]) -> WriteOutcome:
        """Write the stages that a method found in a metric of a sweep, in the place of those found before.

        Raises:
            StorageError: A row is refused, or storage cannot be written.
        """
        return commit_stages(self._store, sweep, metric, method, rows)

    def read_target(self, target_id: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        """Read row and arrays of a target, checked against their hash; None when it has to be built.

        Raises:
            StorageError: Storage cannot be read.
        """
        return load_target(self._store, target_id)

    def keep_unfinished(self, run_id: str, data: bytes) -> None:
        """Keep the state of an unfinished run, in the place of its earlier state, until `drop_unfinished`.

        Raises:
            StorageError: The state cannot be written; the earlier one stays.
        """
        keep_unfinished(self._store, run_id, data)

    def load_unfinished(self, run_id: str) -> bytes | None:
        """Read the newest whole state of an unfinished run; None when there is none.

        Raises:
            StorageError: Storage cannot be read.
        """
        return load_unfinished(self._store, run_id)

    def drop_unfinished(self, run_id: str) -> None:
        """Remove the states of an unfinished run, once it is committed or is not to be resumed."""
        drop_unfinished(self._store, run_id)

    def keep_end(self, run_id: str, data: bytes) -> None:
        """Keep the end of a run for the run that goes on from it, until `drop_end`.

        Raises:
            StorageError: The end cannot be written.
        """
        keep_unfinished(self._store, end_of(run_id), data)

    def load_end(self, run_id: str) -> bytes | None:
        """Read the end of a run; None when none is kept.

        Raises:
            StorageError: Storage cannot be read.
        """
        return load_unfinished(self._store, end_of(run_id))

    def drop_end(self, run_id: str) -> None:
        """Remove the end of a run, once the run that goes on from it is committed."""
        drop_unfinished(self._store, end_of(run_id))

    def write_sweep_file(self, file: SweepFile) -> bool:
        """Keep the file that a sweep was run with; returns False when the newest file of that sweep says the same.

        Raises:
            StorageError: Storage cannot be written.
        """
        return commit_sweep_file(self._store, file)

    def claims(self, sweep: str) -> Claims:
        """Make a driver of a sweep known, which may then take runs; close it at the end.

        Raises:
            StorageError: Storage cannot be written, or the name of the sweep cannot be a folder.
        """
        return Claims(self._store, sweep_partition(sweep))

    def finished(self, sweep: str, run_ids: Collection[str] | None = None) -> dict[str, str]:
        """Return the status (done or failed) by run id of every run of a sweep that has a row.

        Args:
            sweep: Name of the sweep.
            run_ids: Only these runs; None for all.

        Raises:
            StorageError: The dataset is damaged.
        """
        return read.finished(self.root, sweep, run_ids)

    def compact_if_due(self, sweep: str, due_files: int = DUE_FILES) -> bool:
        """Compact a sweep if it has gathered many small files; returns whether it did.

        Args:
            sweep: Name of the sweep.
            due_files: Small files that are many.

        Raises:
            StorageError: The dataset is damaged, or cannot be written.
        """
        return compact_if_due(self.root, sweep, due_files)

    def generations(self, sweep: str) -> dict[str, int]:
        """Return by run id the generation that counts, of every run of a sweep.

        Raises:
            StorageError: The dataset is damaged.
        """
        return read.generations(self.root, sweep)
