"""Removes targets that no run refers to, once they are old enough that no sweep is about to use them."""

from dataclasses import dataclass

import polars as pl

from llcray_storage.errors import StorageError
from llcray_storage.maintain.vacuum import store_clock
from llcray_storage.read import scan_runs, scan_targets
from llcray_storage.schema.tables import TARGETS
from llcray_storage.state.manifest import load_newest_manifest
from llcray_storage.state.segments import Part, Rewrite, publish_rewrite, read_segment, without_ids
from llcray_storage.state.snapshot import commits_among, rows_in_segments, unreadable
from llcray_storage.store.failpoints import failpoint
from llcray_storage.store.layout import ARTIFACT_PATH, TARGET_PARTITION
from llcray_storage.store.marker import open_existing
from llcray_storage.store.objects import Entry, ObjectStore
from llcray_storage.store.settings import Root

UNUSED_SECONDS = 7 * 86400.0
"""Targets that are younger than this stay."""


@dataclass(frozen=True)
class Collected:
    """The targets that a garbage collection removed, and the bytes of their arrays."""

    target_ids: tuple[str, ...]
    num_bytes: int


def gc(root: Root, unused_seconds: float = UNUSED_SECONDS) -> Collected:
    """Remove targets that no run refers to, and arrays that no target's row names, if older than `unused_seconds`.

    Raises:
        StorageError: There is no dataset, it is damaged, or storage cannot be written.
    """
    store = open_existing(root)
    before = store_clock(store) - unused_seconds
    artifacts = _artifacts_by_path(store)
    try:
        rows = scan_targets(root).select("target_id", "artifact").collect()
        used = scan_runs(root).select("target_id").drop_nulls().unique().collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(store, "a table", error) from error
    unused = {
        target_id: path
        for target_id, path in rows.join(used, on="target_id", how="anti").iter_rows()
        if path not in artifacts or artifacts[path].modified < before
    }
    _remove_rows(store, sorted(unused))
    named = set(rows["artifact"])
    orphans = [path for path, entry in artifacts.items() if path not in named and entry.modified < before]
    removed = [path for path in (*unused.values(), *orphans) if path in artifacts]
    for path in sorted(removed):
        store.delete(path)
        failpoint("gc.deleted")
    return Collected(tuple(sorted(unused)), sum(artifacts[path].size for path in removed))


def _artifacts_by_path(store: ObjectStore) -> dict[str, Entry]:
    """Return every file of arrays by its path; files with other names are not ours to remove."""
    folders = [f"{TARGETS.name}/{name}" for name in store.folders(TARGETS.name)]
    entries = {f"{folder}/{entry.name}": entry for folder in folders for entry in store.entries(folder)}
    return {path: entry for path, entry in entries.items() if ARTIFACT_PATH.fullmatch(path)}


def _remove_rows(store: ObjectStore, target_ids: list[str]) -> None:
    # From the segments first: without the hot commit, an older row in a segment would count again.
    manifest = load_newest_manifest(store, TARGET_PARTITION)
    in_segments = set(rows_in_segments(store, TARGET_PARTITION, manifest)["id"])
    if not in_segments.isdisjoint(target_ids):
        parts = (
            Part(
                without_ids(read_segment(store, TARGET_PARTITION, TARGETS, segment), "target_id", target_ids),
                segment.size,
            )
            for segment in manifest.segments
        )
        if publish_rewrite(store, TARGET_PARTITION, manifest.number + 1, Rewrite((), parts, ())) is None:
            raise StorageError(f"targets in '{store.uri}' were compacted meanwhile: nothing was removed. Run gc again.")
    hot = commits_among(store.names(TARGET_PARTITION.folder)).filter(pl.col("id").is_in(target_ids))
    for name in hot["name"].sort():
        store.delete(f"{TARGET_PARTITION.folder}/{name}")
        failpoint("gc.deleted")
