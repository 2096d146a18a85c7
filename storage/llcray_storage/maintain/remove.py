"""Removes runs, or a sweep with all that belongs to it, while writers, readers and compactions go on.

A run is there while a segment of the newest manifest or a hot commit holds it, so it goes in an order that never shows
an earlier generation of it and never leaves it half:

1. its hot commits that a later generation replaced;
2. its rows in segments: a new manifest without them;
3. its hot commit that counts;
4. one more manifest, so that a compaction that has read that commit meanwhile finds its number taken.

A removal that is killed has removed some of the runs, each whole; the same call removes the rest. Draws and segments
that nothing names any more are removed by vacuum, after its grace period.
"""

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.schema.tables import Table
from llcray_storage.state.manifest import Manifest, Segment, load_newest_manifest
from llcray_storage.state.segments import Part, Rewrite, publish_rewrite, read_segment, without_ids
from llcray_storage.state.snapshot import commits_among, take_snapshot
from llcray_storage.state.stages import stages_folder
from llcray_storage.store.failpoints import failpoint
from llcray_storage.store.layout import COMMIT_FILE, MANIFEST_FILE, Partition, sweep_partition
from llcray_storage.store.marker import open_existing
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root
from llcray_storage.write.claims import drop_claims
from llcray_storage.write.sweep_files import sweep_files_folder
from llcray_storage.write.unfinished import drop_unfinished, end_of

ATTEMPTS = 10


def remove_runs(root: Root, sweep: str, run_ids: Sequence[str]) -> None:
    """Remove runs of a sweep with their draws; ids that it does not have are passed over. Targets stay until `gc`.

    Raises:
        StorageError: There is no dataset, a segment is damaged, or storage cannot be written.
    """
    store, partition = open_existing(root), sweep_partition(sweep)
    live = set(take_snapshot(store, partition).hot["name"])
    _delete(store, partition, [name for name in _commits(store, partition, run_ids) if name not in live])
    _publish_without(store, partition, run_ids)
    _delete(store, partition, _commits(store, partition, run_ids))
    _publish_without(store, partition, run_ids)
    for run_id in run_ids:
        drop_unfinished(store, run_id)
        drop_unfinished(store, end_of(run_id))


def remove_sweep(root: Root, sweep: str) -> None:
    """Remove a sweep: its runs with their draws, its stages, and the files that it was run with.

    Raises:
        StorageError: There is no dataset, a segment is damaged, or storage cannot be written.
    """
    store, partition = open_existing(root), sweep_partition(sweep)
    remove_runs(root, sweep, _run_ids(store, partition))
    for folder, pattern in ((stages_folder(sweep), COMMIT_FILE), (sweep_files_folder(sweep), MANIFEST_FILE)):
        # The newest is removed last: until then it is the one that counts.
        for name in sorted(filter(pattern.fullmatch, store.names(folder))):
            store.delete(f"{folder}/{name}")
            failpoint("remove.deleted")
    drop_claims(store, partition, lambda modified: True)


def _run_ids(store: ObjectStore, partition: Partition) -> list[str]:
    snapshot = take_snapshot(store, partition)
    ids = set(commits_among(store.names(partition.folder))["id"])
    for segment in snapshot.manifest.of(partition.table):
        ids |= set(read_segment(store, partition, partition.table, segment).column(partition.table.key).to_pylist())
    return sorted(ids)


def _commits(store: ObjectStore, partition: Partition, run_ids: Iterable[str]) -> list[str]:
    """Return the names of the hot commits of runs, earlier generations first."""
    commits = commits_among(store.names(partition.folder)).filter(pl.col("id").is_in(list(run_ids)))
    return commits.sort("generation", "id")["name"].to_list()


def _delete(store: ObjectStore, partition: Partition, names: Iterable[str]) -> None:
    for name in names:
        store.delete(f"{partition.folder}/{name}")
        failpoint("remove.deleted")


def _publish_without(store: ObjectStore, partition: Partition, run_ids: Sequence[str]) -> Manifest:
    """Publish a manifest whose segments do not hold the runs, also where the one before did not."""
    for _ in range(ATTEMPTS):
        manifest = load_newest_manifest(store, partition)
        held = [segment for segment in manifest.segments if _may_hold(segment, run_ids)]
        kept = tuple(segment for segment in manifest.segments if segment not in held)
        assert partition.details is not None
        rewrite = Rewrite(
            kept,
            _rest(store, partition, partition.table, held, run_ids),
            _rest(store, partition, partition.details, held, run_ids),
        )
        try:
            published = publish_rewrite(store, partition, manifest.number + 1, rewrite)
        except ObjectMissingError:
            continue
        if published is not None:
            return published
    raise StorageError(f"{partition.title} in '{store.uri}' is compacted again and again: run the removal later.")


def _may_hold(segment: Segment, run_ids: Iterable[str]) -> bool:
    return any(segment.first_id <= run_id <= segment.last_id for run_id in run_ids)


def _rest(
    store: ObjectStore, partition: Partition, table: Table, segments: Iterable[Segment], run_ids: Sequence[str]
) -> Iterator[Part]:
    for segment in segments:
        if segment.table == table.name:
            rows = without_ids(read_segment(store, partition, table, segment), table.key, run_ids)
            yield Part(rows, segment.size)
