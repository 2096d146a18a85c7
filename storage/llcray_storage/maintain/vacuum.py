"""Removes files that have not counted for a while.

Readers and compactions work from snapshots, so a file is removed only when nothing younger than the grace period can
refer to it. Ages are told by the storage's clock, since the clocks of machines disagree. The *horizon* is the newest
manifest that is older than the grace period. Segments that the horizon or a later manifest names stay. A hot commit is
removed once the horizon's segments hold its id in the same or a later generation.
"""

import contextlib
import secrets
from dataclasses import dataclass

import polars as pl

from llcray_storage.errors import ObjectMissingError
from llcray_storage.files.scan import scan_files
from llcray_storage.schema.tables import RUNS
from llcray_storage.state.manifest import NO_MANIFEST, Manifest, load_manifest, manifest_path, numbers_of
from llcray_storage.state.snapshot import commits_among, rows_in_segments, sweep_partitions
from llcray_storage.store.failpoints import failpoint
from llcray_storage.store.layout import DRAWS_FILE, SEGMENT_FILE, TARGET_PARTITION, TMP, Partition
from llcray_storage.store.marker import open_existing
from llcray_storage.store.objects import Entry, ObjectStore
from llcray_storage.store.settings import Root
from llcray_storage.write.claims import drop_claims
from llcray_storage.write.unfinished import KEPT_SECONDS, drop_old_unfinished

GRACE_SECONDS = 3600.0
"""Replaced files stay at least this long for readers."""


@dataclass(frozen=True)
class _Horizon:
    """The age of a partition's manifests and segments.

    Attributes:
        manifest: The newest manifest older than the grace period.
        named_since: Names of the segments that it or a later manifest names.
        outdated: Numbers of the manifests before it.
    """

    manifest: Manifest
    named_since: frozenset[str]
    outdated: tuple[int, ...]


def vacuum(root: Root, sweep: str | None = None, grace_seconds: float = GRACE_SECONDS) -> int:
    """Remove files that have not counted for `grace_seconds`, in a sweep or everywhere; returns how many.

    Raises:
        StorageError: There is no dataset, or storage cannot be written.
    """
    store = open_existing(root)
    partitions = [*sweep_partitions(store, sweep), *([TARGET_PARTITION] if sweep is None else [])]
    removed = sum(vacuum_partition(store, partition, grace_seconds) for partition in partitions)
    removed += drop_old_unfinished(store, store_clock(store) - max(grace_seconds, KEPT_SECONDS))
    return removed + _clear_tmp(store, grace_seconds)


def vacuum_partition(store: ObjectStore, partition: Partition, grace_seconds: float = GRACE_SECONDS) -> int:
    """Remove files that have not counted for `grace_seconds` in one partition; returns how many.

    Raises:
        StorageError: A manifest or segment is damaged, or storage cannot be written.
    """
    before = store_clock(store) - grace_seconds
    horizon = _horizon(store, partition, before)
    segments = _old_segments(store, partition, horizon, before)
    commits = _old_commits(store, partition, horizon, before)
    # Draws are removed after the commits that name them, manifests after the segments that they name.
    for key in (*commits, *segments):
        store.delete(key)
        failpoint("vacuum.deleted")
    orphans = _orphan_draws(store, partition, before)
    outdated = [manifest_path(partition, number) for number in horizon.outdated]
    if partition.sweep is not None:
        oldest = before + grace_seconds - max(grace_seconds, KEPT_SECONDS)
        drop_claims(store, partition, lambda modified: modified < oldest)
    for key in (*orphans, *outdated):
        store.delete(key)
        failpoint("vacuum.deleted")
    return len(segments) + len(commits) + len(orphans) + len(outdated)


def store_clock(store: ObjectStore) -> float:
    """Read the storage's clock: seconds since the epoch."""
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
    horizon = max(old, default=0)
    since: list[Manifest] = []
    for number in numbers:
        if number >= horizon:
            with contextlib.suppress(ObjectMissingError):
                since.append(load_manifest(store, partition, number))
    at_horizon = next((manifest for manifest in since if manifest.number == horizon), NO_MANIFEST)
    named = frozenset(segment.name for manifest in since for segment in manifest.segments)
    return _Horizon(at_horizon, named, tuple(number for number in old if number < horizon))


def _old_segments(store: ObjectStore, partition: Partition, horizon: _Horizon, before: float) -> list[str]:
    paths = []
    for folder in (partition.folder, *([partition.details_folder] if partition.details is not None else [])):
        for entry in store.entries(folder):
            if SEGMENT_FILE.fullmatch(entry.name) and entry.modified < before and entry.name not in horizon.named_since:
                paths.append(f"{folder}/{entry.name}")
    return paths


def _old_commits(store: ObjectStore, partition: Partition, horizon: _Horizon, before: float) -> list[str]:
    if not horizon.manifest.of(partition.table):
        return []
    old: dict[str, Entry] = {entry.name: entry for entry in store.entries(partition.folder) if entry.modified < before}
    hot = commits_among(list(old))
    if hot.is_empty():
        return []
    compacted = rows_in_segments(store, partition, horizon.manifest).select("id", compacted="generation")
    replaced = hot.join(compacted, on="id", how="inner").filter(pl.col("generation") <= pl.col("compacted"))
    return [f"{partition.folder}/{name}" for name in replaced["name"].sort()]


def _orphan_draws(store: ObjectStore, partition: Partition, before: float) -> list[str]:
    """Return the draws files that no commit on disk names: of killed writers, losers of a race, removed commits."""
    if partition.details is None:
        return []
    old = [entry.name for entry in store.entries(partition.details_folder) if entry.modified < before]
    old = [name for name in old if DRAWS_FILE.fullmatch(name)]
    if not old:
        return []
    commits = [f"{partition.folder}/{name}" for name in commits_among(store.names(partition.folder))["name"]]
    try:
        named = set(scan_files(store, RUNS, commits).select("draws_file").collect()["draws_file"])
    except (pl.exceptions.PolarsError, OSError):
        return []  # A commit is damaged, or another vacuum is at work: no file is certain to be an orphan.
    return [f"{partition.details_folder}/{name}" for name in sorted(old) if name not in named]


def _clear_tmp(store: ObjectStore, grace_seconds: float) -> int:
    before = store_clock(store) - grace_seconds
    names = [entry.name for entry in store.entries(TMP) if entry.modified < before]
    for name in names:
        store.delete(f"{TMP}/{name}")
    return len(names)
