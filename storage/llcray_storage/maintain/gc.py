"""Garbage collection: targets that no run refers to, once they are old enough that no sweep is about to use them."""

from dataclasses import dataclass

import polars as pl

from llcray_storage.errors import StorageError
from llcray_storage.maintain.vacuum import store_clock
from llcray_storage.read import opened, scan_runs, scan_targets
from llcray_storage.schema.tables import TARGETS
from llcray_storage.state import manifest as manifests
from llcray_storage.state import snapshot as snapshots
from llcray_storage.state.segments import Part, Rewrite, publish_rewrite, read_segment, without
from llcray_storage.state.snapshot import hot_frame
from llcray_storage.store.failpoints import reached
from llcray_storage.store.layout import TARGET_PARTITION
from llcray_storage.store.objects import Entry, ObjectStore
from llcray_storage.store.settings import Root

UNUSED_SECONDS = 7 * 86400.0


@dataclass(frozen=True)
class Collected:
    """What was removed."""

    target_ids: tuple[str, ...]
    num_bytes: int


def gc(root: Root, unused_seconds: float = UNUSED_SECONDS) -> Collected:
    """Remove targets no run refers to, and arrays no target's row names, that are older than `unused_seconds`.

    Raises:
        StorageError: There is no dataset, or storage cannot be written.
    """
    store = opened(root)
    before = store_clock(store) - unused_seconds
    artifacts = _artifacts(store)
    rows = scan_targets(root).select("target_id", "artifact").collect()
    used = scan_runs(root).select("target_id").drop_nulls().unique().collect()
    unused = {
        target_id: path
        for target_id, path in rows.join(used, on="target_id", how="anti").iter_rows()
        if path not in artifacts or artifacts[path].modified < before
    }
    _remove_rows(store, sorted(unused))
    named = set(rows["artifact"])
    orphans = [path for path, entry in artifacts.items() if path not in named and entry.modified < before]
    doomed = [path for path in (*unused.values(), *orphans) if path in artifacts]
    for path in sorted(doomed):
        store.delete(path)
        reached("gc.deleted")
    return Collected(tuple(sorted(unused)), sum(artifacts[path].size for path in doomed))


def _artifacts(store: ObjectStore) -> dict[str, Entry]:
    found = {}
    for folder in store.folders(TARGETS.name):
        found |= {f"{TARGETS.name}/{folder}/{entry.name}": entry for entry in store.entries(f"{TARGETS.name}/{folder}")}
    return found


def _remove_rows(store: ObjectStore, target_ids: list[str]) -> None:
    """Out of the segments first: a commit file removed before would leave its older row to count again."""
    manifest = manifests.newest(store, TARGET_PARTITION)
    in_segments = set(snapshots.segment_keys_frame(store, TARGET_PARTITION, manifest)["id"])
    if not in_segments.isdisjoint(target_ids):
        parts = (
            Part(
                without(read_segment(store, TARGET_PARTITION, TARGETS, segment), "target_id", target_ids), segment.size
            )
            for segment in manifest.segments
        )
        if publish_rewrite(store, TARGET_PARTITION, manifest.number + 1, Rewrite((), parts, ())) is None:
            raise StorageError(f"targets in '{store.uri}' were compacted meanwhile: nothing was removed. Run gc again.")
    hot = hot_frame(store.names(TARGET_PARTITION.folder)).filter(pl.col("id").is_in(target_ids))
    for name in hot["name"].sort():
        store.delete(f"{TARGET_PARTITION.folder}/{name}")
        reached("gc.deleted")
