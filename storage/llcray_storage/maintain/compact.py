"""Compacts many small files into few, while writers and readers go on.

First the segments are written, then manifest N+1 (put if absent), which is the commit. A compaction that is killed
before has changed nothing that counts, and vacuum removes its segments. Of two compactions at once, one finds its
number snapshot and starts again. Replaced files stay for readers until vacuum.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.files.encode import read_parquet
from llcray_storage.maintain.vacuum import GRACE_SECONDS, vacuum_partition
from llcray_storage.schema.tables import Table
from llcray_storage.state.commits import whole_commits
from llcray_storage.state.manifest import Segment
from llcray_storage.state.segments import (
    BYTES_PER_HOT_ROW,
    TARGET_BYTES,
    Part,
    Rewrite,
    publish_rewrite,
    read_segment,
    without_ids,
)
from llcray_storage.state.snapshot import Snapshot, sweep_partitions, take_snapshot
from llcray_storage.store.layout import TARGET_PARTITION, Partition, sweep_partition
from llcray_storage.store.marker import open_existing
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root

ATTEMPTS = 10
ROWS_AT_ONCE = 500
COMMITS_AT_ONCE = 10_000
"""Commits that one manifest absorbs at most, since all their rows are in memory meanwhile."""

DUE_FILES = 1000
"""A sweep with this many small files is due for compaction."""
DUE_FILES_WHEN_OLD = 100
"""So is one with this many, once the oldest of them has waited for `DUE_SECONDS`."""
DUE_SECONDS = 600.0


@dataclass(frozen=True)
class Compaction:
    """The outcome of compacting one partition.

    Attributes:
        partition: Title of the partition: `targets`, or the sweep as messages name it.
        absorbed: Number of small files whose rows are now in segments.
        num_segments: Number of segments now.
        left: Small files that could not be absorbed, with the reason; `verify --repair` mends or removes them.
    """

    partition: str
    absorbed: int
    num_segments: int
    left: tuple[str, ...]


def compact(root: Root, sweep: str | None = None, grace_seconds: float = GRACE_SECONDS) -> list[Compaction]:
    """Compact a sweep, or everything, then remove files that have not counted for `grace_seconds`.

    Raises:
        StorageError: There is no dataset, a segment is damaged, or storage cannot be written.
    """
    store = open_existing(root)
    partitions = [*sweep_partitions(store, sweep), *([TARGET_PARTITION] if sweep is None else [])]
    compactions = [compact_partition(store, partition) for partition in partitions]
    for partition in partitions:
        vacuum_partition(store, partition, grace_seconds)
    return compactions


def compact_if_due(root: Root, sweep: str, due_files: int = DUE_FILES) -> bool:
    """Compact a sweep that has many small files, or 100 that waited for 10 minutes; returns whether it did.

    Args:
        root: Root of the dataset.
        sweep: Name of the sweep.
        due_files: Small files that are many.

    Raises:
        StorageError: There is no dataset, a segment is damaged, or storage cannot be written.
    """
    store = open_existing(root)
    hot = take_snapshot(store, sweep_partition(sweep)).hot
    if hot.height < due_files:
        if hot.height < DUE_FILES_WHEN_OLD:
            return False
        names = set(hot["name"])
        entries = store.entries(sweep_partition(sweep).folder)
        if min(entry.modified for entry in entries if entry.name in names) > time.time() - DUE_SECONDS:
            return False
    compact(root, sweep)
    return True


def compact_partition(store: ObjectStore, partition: Partition) -> Compaction:
    """Compact one partition, `COMMITS_AT_ONCE` commits at a time.

    Raises:
        StorageError: A segment is damaged, or storage cannot be written.
    """
    piece, has_more = _compact_piece(store, partition)
    absorbed = piece.absorbed
    while has_more and piece.absorbed:
        piece, has_more = _compact_piece(store, partition)
        absorbed += piece.absorbed
    return replace(piece, absorbed=absorbed)


def _compact_piece(store: ObjectStore, partition: Partition) -> tuple[Compaction, bool]:
    """Absorb some commits; the flag says whether there are more."""
    for _ in range(ATTEMPTS):
        snapshot = take_snapshot(store, partition)
        try:
            commits, left = whole_commits(store, partition, snapshot.hot["name"].head(COMMITS_AT_ONCE).to_list())
        except ObjectMissingError:
            continue
        has_more = snapshot.hot.height > COMMITS_AT_ONCE
        absorbed = set(commits.column(partition.table.key).to_pylist())
        snapshot = replace(snapshot, shadowed=tuple(identity for identity in snapshot.shadowed if identity in absorbed))
        kept, merged = _kept_and_merged(snapshot)
        worthwhile = commits.num_rows or any(len(group) > 1 for group in merged.values())
        if not worthwhile:
            return Compaction(partition.title, 0, len(snapshot.manifest.segments), left), has_more
        rewrite = Rewrite(
            tuple(kept),
            _commit_parts(store, snapshot, merged, commits),
            _detail_parts(store, snapshot, merged, commits),
        )
        try:
            manifest = publish_rewrite(store, partition, snapshot.manifest.number + 1, rewrite)
        except ObjectMissingError:
            continue
        if manifest is not None:
            return Compaction(partition.title, commits.num_rows, len(manifest.segments), left), has_more
    raise StorageError(
        f"{partition.title} in '{store.uri}' was not compacted: others did so meanwhile. Nothing is lost."
    )


def _kept_and_merged(snapshot: Snapshot) -> tuple[list[Segment], dict[str, list[Segment]]]:
    """Return the segments that stay, and by table those to merge: small ones, and any with replaced rows."""
    kept, merged = [], {}
    for segment in snapshot.manifest.segments:
        small = segment.size < TARGET_BYTES[segment.table] // 2
        outdated = any(segment.first_id <= identity <= segment.last_id for identity in snapshot.shadowed)
        if small or outdated:
            merged.setdefault(segment.table, []).append(segment)
        else:
            kept.append(segment)
    return kept, merged


def _commit_parts(
    store: ObjectStore, snapshot: Snapshot, merged: dict[str, list[Segment]], commits: pa.Table
) -> Iterator[Part]:
    yield from _segment_parts(store, snapshot, snapshot.partition.table, merged)
    for start in range(0, commits.num_rows, ROWS_AT_ONCE):
        rows = commits.slice(start, ROWS_AT_ONCE)
        yield Part(rows, rows.num_rows * BYTES_PER_HOT_ROW)


def _detail_parts(
    store: ObjectStore, snapshot: Snapshot, merged: dict[str, list[Segment]], commits: pa.Table
) -> Iterator[Part]:
    details = snapshot.partition.details
    if details is None:
        return
    yield from _segment_parts(store, snapshot, details, merged)
    names: Sequence[str | None] = commits.sort_by("run_id").column("draws_file").to_pylist()
    for name in names:
        if name is not None:
            data = store.get(f"{snapshot.partition.details_folder}/{name}")
            rows = read_parquet(details, data)
            yield Part(rows, min(rows.nbytes, len(data)))


def _segment_parts(
    store: ObjectStore, snapshot: Snapshot, table: Table, merged: dict[str, list[Segment]]
) -> Iterator[Part]:
    for segment in merged.get(table.name, []):
        rows = read_segment(store, snapshot.partition, table, segment)
        yield Part(without_ids(rows, table.key, snapshot.shadowed), segment.size)
