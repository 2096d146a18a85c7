"""Many small files into few, while writers and readers run.

Segments are written, then manifest N+1, put if absent: the commit. Killed before it, nothing has changed but files
nobody counts (vacuum takes them); of two compactors one finds its number taken and starts again. Old files stay for
readers until vacuum.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.files.encode import read_parquet
from llcray_storage.maintain.vacuum import GRACE_SECONDS, vacuum_partition
from llcray_storage.read import opened
from llcray_storage.schema.tables import Table
from llcray_storage.state import snapshot as snapshots
from llcray_storage.state.commits import whole_commits
from llcray_storage.state.manifest import Segment
from llcray_storage.state.segments import (
    BYTES_PER_HOT_ROW,
    TARGET_BYTES,
    Part,
    Rewrite,
    publish_rewrite,
    read_segment,
    without,
)
from llcray_storage.state.snapshot import Snapshot
from llcray_storage.store.layout import TARGET_PARTITION, Partition, sweep_partition
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root

ATTEMPTS = 10

ROWS_AT_ONCE = 500
DUE_FILES = 1000
DUE_FILES_WHEN_OLD = 100
DUE_SECONDS = 600.0


@dataclass(frozen=True)
class Compaction:
    """What became of one partition.

    Attributes:
        partition: `targets`, or the sweep as messages name it.
        absorbed: Small files whose rows are now in segments.
        num_segments: Segments now.
        left: Small files that could not be absorbed, with the reason; `verify --repair` deals with them.
    """

    partition: str
    absorbed: int
    num_segments: int
    left: tuple[str, ...]


def compact(root: Root, sweep: str | None = None, grace_seconds: float = GRACE_SECONDS) -> list[Compaction]:
    """Compact a sweep, or everything, then remove what nobody has needed for `grace_seconds`.

    Raises:
        StorageError: There is no dataset, a segment is damaged, or storage cannot be written.
    """
    store = opened(root)
    todo = [*snapshots.partitions(store, sweep), *([TARGET_PARTITION] if sweep is None else [])]
    done = [compact_partition(store, partition) for partition in todo]
    for partition in todo:
        vacuum_partition(store, partition, grace_seconds)
    return done


def compact_if_due(root: Root, sweep: str) -> bool:
    """Compact a sweep that has 1,000 small files, or 100 that waited for 10 minutes; True when it did.

    Raises:
        StorageError: There is no dataset, a segment is damaged, or storage cannot be written.
    """
    store = opened(root)
    hot = snapshots.take(store, sweep_partition(sweep)).hot
    if hot.height < DUE_FILES:
        if hot.height < DUE_FILES_WHEN_OLD:
            return False
        wanted = set(hot["name"])
        entries = store.entries(sweep_partition(sweep).folder)
        if min(entry.modified for entry in entries if entry.name in wanted) > time.time() - DUE_SECONDS:
            return False
    compact(root, sweep)
    return True


def compact_partition(store: ObjectStore, partition: Partition) -> Compaction:
    """Compact one partition.

    Raises:
        StorageError: A segment is damaged, or storage cannot be written.
    """
    for _ in range(ATTEMPTS):
        taken = snapshots.take(store, partition)
        try:
            commits, left = whole_commits(store, partition, taken.hot["name"].to_list())
        except ObjectMissingError:
            continue
        absorbed = set(commits.column(partition.table.key).to_pylist())
        taken = replace(taken, shadowed=tuple(identity for identity in taken.shadowed if identity in absorbed))
        kept, merged = _kept_and_merged(taken)
        worthwhile = commits.num_rows or any(len(group) > 1 for group in merged.values())
        if not worthwhile:
            return Compaction(partition.spoken, 0, len(taken.manifest.segments), left)
        rewrite = Rewrite(
            tuple(kept), _commit_parts(store, taken, merged, commits), _detail_parts(store, taken, merged, commits)
        )
        try:
            manifest = publish_rewrite(store, partition, taken.manifest.number + 1, rewrite)
        except ObjectMissingError:
            continue
        if manifest is not None:
            return Compaction(partition.spoken, commits.num_rows, len(manifest.segments), left)
    raise StorageError(
        f"{partition.spoken} in '{store.uri}' was not compacted: others did so meanwhile. Nothing is lost."
    )


def _kept_and_merged(taken: Snapshot) -> tuple[list[Segment], dict[str, list[Segment]]]:
    """Segments that stay, and by table those that go into new ones: the small, and those with replaced rows."""
    kept, merged = [], {}
    for segment in taken.manifest.segments:
        small = segment.size < TARGET_BYTES[segment.table] // 2
        outdated = any(segment.first_id <= identity <= segment.last_id for identity in taken.shadowed)
        if small or outdated:
            merged.setdefault(segment.table, []).append(segment)
        else:
            kept.append(segment)
    return kept, merged


def _commit_parts(
    store: ObjectStore, taken: Snapshot, merged: dict[str, list[Segment]], commits: pa.Table
) -> Iterator[Part]:
    yield from _segment_parts(store, taken, taken.partition.table, merged)
    for start in range(0, commits.num_rows, ROWS_AT_ONCE):
        rows = commits.slice(start, ROWS_AT_ONCE)
        yield Part(rows, rows.num_rows * BYTES_PER_HOT_ROW)


def _detail_parts(
    store: ObjectStore, taken: Snapshot, merged: dict[str, list[Segment]], commits: pa.Table
) -> Iterator[Part]:
    details = taken.partition.details
    if details is None:
        return
    yield from _segment_parts(store, taken, details, merged)
    names: Sequence[str | None] = commits.sort_by("run_id").column("draws_file").to_pylist()
    for name in names:
        if name is not None:
            data = store.get(f"{taken.partition.details_folder}/{name}")
            rows = read_parquet(details, data)
            yield Part(rows, min(rows.nbytes, len(data)))


def _segment_parts(
    store: ObjectStore, taken: Snapshot, table: Table, merged: dict[str, list[Segment]]
) -> Iterator[Part]:
    for segment in merged.get(table.name, []):
        rows = read_segment(store, taken.partition, table, segment)
        yield Part(without(rows, table.key, taken.shadowed), segment.size)
