"""Removing files that have not counted for a while.

Readers and compactors work from snapshots, so a file goes only when nothing younger than the grace period can refer
to it. The clock is the storage's own: machines disagree. The *horizon* is the newest manifest older than the grace
period; what it or a later manifest names stays, and a hot commit goes once the horizon's segments hold its id in the
same or a later generation.
"""

import contextlib
import secrets
from dataclasses import dataclass

import polars as pl

from llcray_storage.errors import ObjectMissingError
from llcray_storage.files.scan import scan_files
from llcray_storage.read import opened
from llcray_storage.schema.tables import RUNS
from llcray_storage.state import manifest as manifests
from llcray_storage.state import snapshot as snapshots
from llcray_storage.state.manifest import NONE_YET, Manifest, manifest_path, numbers_of
from llcray_storage.state.snapshot import hot_frame, segment_keys_frame
from llcray_storage.store.failpoints import reached
from llcray_storage.store.layout import HOT_DRAWS, SEGMENT, TARGET_PARTITION, TMP, Partition
from llcray_storage.store.objects import Entry, ObjectStore
from llcray_storage.store.settings import Root
from llcray_storage.write.unfinished import KEPT_SECONDS, drop_old_unfinished

GRACE_SECONDS = 3600.0


@dataclass(frozen=True)
class _Horizon:
    """What the manifests of a partition say about age."""

    then: Manifest
    named_since: frozenset[str]
    outdated: tuple[int, ...]


def vacuum(root: Root, sweep: str | None = None, grace_seconds: float = GRACE_SECONDS) -> int:
    """Remove what has not counted for `grace_seconds`, in a sweep or everywhere; returns how many files went.

    Raises:
        StorageError: There is no dataset, or storage cannot be written.
    """
    store = opened(root)
    todo = [*snapshots.partitions(store, sweep), *([TARGET_PARTITION] if sweep is None else [])]
    removed = sum(vacuum_partition(store, partition, grace_seconds) for partition in todo)
    removed += drop_old_unfinished(store, store_clock(store) - max(grace_seconds, KEPT_SECONDS))
    return removed + _clear_tmp(store, grace_seconds)


def vacuum_partition(store: ObjectStore, partition: Partition, grace_seconds: float = GRACE_SECONDS) -> int:
    """Remove what has not counted for `grace_seconds` in one partition.

    Raises:
        StorageError: A manifest or segment is damaged, or storage cannot be written.
    """
    before = store_clock(store) - grace_seconds
    horizon = _horizon(store, partition, before)
    doomed = _old_segments(store, partition, horizon, before)
    hot = _old_commits(store, partition, horizon, before)
    # Draws go after the commits that name them, manifests after the segments they name.
    for key in (*hot, *doomed):
        store.delete(key)
        reached("vacuum.deleted")
    orphans = _orphan_draws(store, partition, before)
    outdated = [manifest_path(partition, number) for number in horizon.outdated]
    for key in (*orphans, *outdated):
        store.delete(key)
        reached("vacuum.deleted")
    return len(doomed) + len(hot) + len(orphans) + len(outdated)


def store_clock(store: ObjectStore) -> float:
    """Now, in seconds since the epoch, by the storage's clock."""
    name = f"clock-{secrets.token_hex(8)}"
    store.put_if_absent(f"{TMP}/{name}", b"tick")
    try:
        return next(entry.modified for entry in store.entries(TMP) if entry.name == name)
    finally:
        store.delete(f"{TMP}/{name}")


def _horizon(store: ObjectStore, partition: Partition, before: float) -> _Horizon:
    entries = {entry.name: entry for entry in store.entries(partition.manifests)}
    numbers = numbers_of(entries)
    old = [number for number in numbers if entries[f"{number:012d}.json"].modified < before]
    at = max(old, default=0)
    since: list[Manifest] = []
    for number in numbers:
        if number >= at:
            with contextlib.suppress(ObjectMissingError):
                since.append(manifests.load(store, partition, number))
    then = next((manifest for manifest in since if manifest.number == at), NONE_YET)
    named = frozenset(segment.name for manifest in since for segment in manifest.segments)
    return _Horizon(then, named, tuple(number for number in old if number < at))


def _old_segments(store: ObjectStore, partition: Partition, horizon: _Horizon, before: float) -> list[str]:
    doomed = []
    for folder in (partition.folder, *([partition.details_folder] if partition.details is not None else [])):
        for entry in store.entries(folder):
            if SEGMENT.fullmatch(entry.name) and entry.modified < before and entry.name not in horizon.named_since:
                doomed.append(f"{folder}/{entry.name}")
    return doomed


def _old_commits(store: ObjectStore, partition: Partition, horizon: _Horizon, before: float) -> list[str]:
    if not horizon.then.of(partition.table):
        return []
    old: dict[str, Entry] = {entry.name: entry for entry in store.entries(partition.folder) if entry.modified < before}
    hot = hot_frame(list(old))
    if hot.is_empty():
        return []
    compacted = segment_keys_frame(store, partition, horizon.then).select("id", compacted="generation")
    gone = hot.join(compacted, on="id", how="inner").filter(pl.col("generation") <= pl.col("compacted"))
    return [f"{partition.folder}/{name}" for name in gone["name"].sort()]


def _orphan_draws(store: ObjectStore, partition: Partition, before: float) -> list[str]:
    """Draws files no commit on disk names: of killed writers, losers of a race, and commits just removed."""
    if partition.details is None:
        return []
    old = [entry.name for entry in store.entries(partition.details_folder) if entry.modified < before]
    old = [name for name in old if HOT_DRAWS.fullmatch(name)]
    if not old:
        return []
    commits = [f"{partition.folder}/{name}" for name in hot_frame(store.names(partition.folder))["name"]]
    try:
        named = set(scan_files(store, RUNS, commits).select("draws_file").collect()["draws_file"])
    except (pl.exceptions.PolarsError, OSError):
        return []  # A commit is damaged, or another vacuum is at work: nothing is sure to be an orphan.
    return [f"{partition.details_folder}/{name}" for name in sorted(old) if name not in named]


def _clear_tmp(store: ObjectStore, grace_seconds: float) -> int:
    before = store_clock(store) - grace_seconds
    left = [entry.name for entry in store.entries(TMP) if entry.modified < before]
    for name in left:
        store.delete(f"{TMP}/{name}")
    return len(left)
