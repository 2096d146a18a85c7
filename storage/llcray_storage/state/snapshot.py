"""Snapshots: which rows of a partition count at one moment.

A snapshot lists the hot commits first and reads the newest manifest afterwards. A commit that is compacted in between
is then seen twice, and the join by key drops one of the two; the other order would lose it. A commit counts when no
other commit of the same id has a higher generation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.files.scan import scan_files
from llcray_storage.schema.tables import DRAWS, RUNS, Table
from llcray_storage.state.manifest import Manifest, load_newest_manifest, newest_manifest_number
from llcray_storage.store.layout import DRAWS_FILE, Partition, mending_command, sweep_partition, sweeps_among
from llcray_storage.store.objects import ObjectStore

ATTEMPTS = 5
COMMITS_SCHEMA = pl.Schema({"name": pl.String, "id": pl.String, "generation": pl.Int64})


@dataclass(frozen=True)
class Snapshot:
    """The files of one partition that count.

    Attributes:
        partition: The partition.
        manifest: Its segments.
        hot: Commits that count and lie in no segment, with columns name, id and generation.
        superseded: Commits on disk that a later generation replaced, with the same columns.
        shadowed: Ids whose rows in segments a hot commit replaced.
    """

    partition: Partition
    manifest: Manifest
    hot: pl.DataFrame
    superseded: pl.DataFrame
    shadowed: tuple[str, ...]

    def segment_keys(self, table: Table, identity: str | None = None) -> list[str]:
        """Return the paths of a table's segments; given an id, only of those whose range of ids includes it."""
        return [
            f"{self.partition.folder_of(table)}/{segment.name}"
            for segment in self.manifest.of(table)
            if identity is None or segment.first_id <= identity <= segment.last_id
        ]

    def hot_keys(self) -> list[str]:
        """Return the paths of the hot commits that count."""
        return self.keys_of(self.hot)

    def superseded_keys(self) -> list[str]:
        """Return the paths of the commits that a later generation replaced."""
        return self.keys_of(self.superseded)

    def keys_of(self, commits: pl.DataFrame) -> list[str]:
        """Return the paths of commits."""
        return [f"{self.partition.folder}/{name}" for name in commits["name"]]


def commits_among(names: Sequence[str]) -> pl.DataFrame:
    """Return name, id and generation of the commits among file names; other names are left to `verify`."""
    parts = pl.col("name").str.extract_groups(r"^t-([A-Za-z0-9_-]{1,64})\.g([0-9]{1,9})\.parquet$")
    return (
        # Names in no encoding, which a frame cannot hold, are none of ours.
        pl.DataFrame({"name": [name for name in names if name.isascii()]}, schema={"name": pl.String})
        .select("name", parts.alias("parts"))
        .select("name", id=pl.col("parts").struct[0], generation=pl.col("parts").struct[1].cast(pl.Int64))
        .filter(pl.col("id").is_not_null())
    )


def rows_in_segments(store: ObjectStore, partition: Partition, manifest: Manifest) -> pl.DataFrame:
    """Return id, generation and status (null for targets) of every row in the segments of a partition's commits."""
    keys = [f"{partition.folder}/{segment.name}" for segment in manifest.of(partition.table)]
    status = pl.col("status") if partition.table is RUNS else pl.lit(None, pl.String).alias("status")
    return (
        scan_files(store, partition.table, keys)
        .select(pl.col(partition.table.key).alias("id"), "generation", status)
        .collect()
    )


def take_snapshot(store: ObjectStore, partition: Partition, identity: str | None = None) -> Snapshot:
    """Find what counts now, of the whole partition or of one id.

    Raises:
        StorageError: A manifest or segment is damaged.
    """
    for _ in range(ATTEMPTS):
        folder = partition.folder
        hot = commits_among(
            store.names(folder) if identity is None else store.names_with_prefix(folder, f"t-{identity}.g")
        )
        manifest = load_newest_manifest(store, partition)
        if hot.is_empty() or not manifest.of(partition.table):
            return _compare(partition, manifest, hot, COMMITS_SCHEMA.to_frame().select("id", "generation"))
        try:
            return _compare(partition, manifest, hot, rows_in_segments(store, partition, manifest))
        except (ObjectMissingError, FileNotFoundError):
            continue
        except (pl.exceptions.PolarsError, OSError) as error:
            if newest_manifest_number(store, partition) != manifest.number:
                continue
            raise unreadable(store, partition.title, error) from error
    raise StorageError(f"the files of {partition.title} in '{store.uri}' change again and again. Try later.")


def _compare(partition: Partition, manifest: Manifest, hot: pl.DataFrame, in_segments: pl.DataFrame) -> Snapshot:
    """Compare the generations of hot commits with each other and with those in segments."""
    compacted = in_segments.select("id", pl.col("generation").alias("compacted"))
    newer = hot.join(compacted, on="id", how="left").filter(
        pl.col("compacted").is_null() | (pl.col("generation") > pl.col("compacted"))
    )
    is_latest = pl.col("generation") == pl.col("generation").max().over("id")
    latest = newer.filter(is_latest)
    return Snapshot(
        partition,
        manifest,
        hot=latest.select(COMMITS_SCHEMA.names()).sort("id"),
        superseded=hot.join(latest, on="name", how="anti")
        .join(in_segments, on=["id", "generation"], how="anti")
        .sort("id"),
        shadowed=tuple(latest.filter(pl.col("compacted").is_not_null())["id"].sort()),
    )


def sweep_names(store: ObjectStore) -> list[str]:
    """List the sweeps of the dataset, also those whose commits were all compacted.

    Raises:
        StorageError: A folder is named like one of a sweep, but no sweep can have that name.
    """
    for stray in stray_folders(store):
        raise StorageError(
            f"'{store.uri}/{stray}' is no sweep: names have letters, digits, '_', '-' and '.'. Move the folder away."
        )
    return known_sweeps(store)


def known_sweeps(store: ObjectStore) -> list[str]:
    """List the sweeps of the dataset, whatever else lies beside their folders."""
    return _sweeps_and_strays(store)[0]


def stray_folders(store: ObjectStore) -> list[str]:
    """Return the paths of folders that are named like those of sweeps, but as no sweep can be named."""
    return _sweeps_and_strays(store)[1]


def _sweeps_and_strays(store: ObjectStore) -> tuple[list[str], list[str]]:
    names: set[str] = set()
    strays: list[str] = []
    for place in (RUNS.name, "_llcray/manifest"):
        sweeps, others = sweeps_among(store.folders(place))
        names.update(sweeps)
        strays.extend(f"{place}/{folder}" for folder in others)
    return sorted(names), strays


def sweep_partitions(store: ObjectStore, sweep: str | None) -> list[Partition]:
    """Return the partition of a sweep; without a sweep, the partitions of all."""
    return [sweep_partition(name) for name in (sweep_names(store) if sweep is None else [sweep])]


def hot_draws_keys(store: ObjectStore, snapshot: Snapshot) -> list[str]:
    """Return the paths of the draws files that the hot commits of a snapshot name."""
    names = scan_files(store, RUNS, snapshot.hot_keys()).select("draws_file").collect()["draws_file"].drop_nulls()
    return [f"{snapshot.partition.folder_of(DRAWS)}/{name}" for name in names.sort() if DRAWS_FILE.fullmatch(name)]


def unreadable(store: ObjectStore, what: str, error: Exception) -> StorageError:
    """Make the error that a reader raises when a file cannot be read."""
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return StorageError(f"{what} in '{store.uri}' cannot be read: {first_line}. Run `{mending_command(store.uri)}`.")
