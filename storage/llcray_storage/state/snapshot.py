"""Which rows count at one moment.

Hot files are listed first and the newest manifest is read after: a file compacted in between is then seen twice, and
the second look is discarded by its key; the other order would lose it. A commit counts when no other of the same id
has a higher generation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.files.scan import scan_files
from llcray_storage.schema.tables import DRAWS, RUNS, Table
from llcray_storage.state import manifest as manifests
from llcray_storage.state.manifest import Manifest
from llcray_storage.store.layout import Partition, sweep_partition
from llcray_storage.store.objects import ObjectStore

ATTEMPTS = 5
HOT_SCHEMA = pl.Schema({"name": pl.String, "id": pl.String, "generation": pl.Int64})


@dataclass(frozen=True)
class Snapshot:
    """What of one partition counts.

    Attributes:
        partition: The partition.
        manifest: Its segments.
        hot: Commits that count and lie in no segment: name, id, generation.
        superseded: Commits on disk that a later generation replaced: the same columns.
        shadowed: Ids whose rows in segments a hot commit replaced.
    """

    partition: Partition
    manifest: Manifest
    hot: pl.DataFrame
    superseded: pl.DataFrame
    shadowed: tuple[str, ...]

    def segment_keys(self, table: Table) -> list[str]:
        """Paths of the segments of a table."""
        return [f"{self.partition.folder_of(table)}/{segment.name}" for segment in self.manifest.of(table)]

    def hot_keys(self) -> list[str]:
        """Paths of the hot commits that count."""
        return [f"{self.partition.folder}/{name}" for name in self.hot["name"]]


def hot_frame(names: Sequence[str]) -> pl.DataFrame:
    """The commits among file names; other names are left to `verify`."""
    parts = pl.col("name").str.extract_groups(r"^t-([A-Za-z0-9_-]{1,64})\.g([0-9]{1,9})\.parquet$")
    return (
        pl.DataFrame({"name": names}, schema={"name": pl.String})
        .select("name", parts.alias("parts"))
        .select("name", id=pl.col("parts").struct[0], generation=pl.col("parts").struct[1].cast(pl.Int64))
        .filter(pl.col("id").is_not_null())
    )


def segment_keys_frame(store: ObjectStore, partition: Partition, manifest: Manifest) -> pl.DataFrame:
    """id, generation and status (null for targets) of every row in the segments of a partition's commits."""
    keys = [f"{partition.folder}/{segment.name}" for segment in manifest.of(partition.table)]
    status = pl.col("status") if partition.table is RUNS else pl.lit(None, pl.String).alias("status")
    return (
        scan_files(store, partition.table, keys)
        .select(pl.col(partition.table.key).alias("id"), "generation", status)
        .collect()
    )


def take(store: ObjectStore, partition: Partition, identity: str | None = None) -> Snapshot:
    """What counts now, of the whole partition or of one id.

    Raises:
        StorageError: A manifest or segment is damaged.
    """
    for _ in range(ATTEMPTS):
        hot = hot_frame(store.names(partition.folder))
        if identity is not None:
            hot = hot.filter(pl.col("id") == identity)
        manifest = manifests.newest(store, partition)
        if hot.is_empty() or not manifest.of(partition.table):
            return _compared(partition, manifest, hot, HOT_SCHEMA.to_frame().select("id", "generation"))
        try:
            return _compared(partition, manifest, hot, segment_keys_frame(store, partition, manifest))
        except (ObjectMissingError, FileNotFoundError):
            continue
        except (pl.exceptions.PolarsError, OSError) as error:
            if manifests.newest_number(store, partition) != manifest.number:
                continue
            raise damaged(store, partition.spoken, error) from error
    raise StorageError(f"the files of {partition.spoken} in '{store.uri}' change again and again. Try later.")


def _compared(partition: Partition, manifest: Manifest, hot: pl.DataFrame, in_segments: pl.DataFrame) -> Snapshot:
    compacted = in_segments.select("id", pl.col("generation").alias("compacted"))
    fresh = hot.join(compacted, on="id", how="left").filter(
        pl.col("compacted").is_null() | (pl.col("generation") > pl.col("compacted"))
    )
    counts = pl.col("generation") == pl.col("generation").max().over("id")
    best = fresh.filter(counts)
    return Snapshot(
        partition,
        manifest,
        best.select(HOT_SCHEMA.names()).sort("id"),
        hot.join(best, on="name", how="anti").join(in_segments, on=["id", "generation"], how="anti").sort("id"),
        tuple(best.filter(pl.col("compacted").is_not_null())["id"].sort()),
    )


def sweeps(store: ObjectStore) -> list[str]:
    """Names of the sweeps of the dataset, those whose files were all compacted included."""
    folders = {*store.folders(RUNS.name), *store.folders("_llcray/manifest")}
    return sorted(folder.removeprefix("sweep=") for folder in folders if folder.startswith("sweep="))


def partitions(store: ObjectStore, sweep: str | None) -> list[Partition]:
    """The partition of a sweep, or of every sweep."""
    return [sweep_partition(name) for name in (sweeps(store) if sweep is None else [sweep])]


def live_draws(store: ObjectStore, snapshot: Snapshot) -> list[str]:
    """Paths of the draws files of the hot commits that count."""
    names = scan_files(store, RUNS, snapshot.hot_keys()).select("draws_file").collect()["draws_file"].drop_nulls()
    return [f"{snapshot.partition.folder_of(DRAWS)}/{name}" for name in names.sort()]


def damaged(store: ObjectStore, what: str, error: Exception) -> StorageError:
    """What a reader says when a file cannot be read."""
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return StorageError(
        f"{what} in '{store.uri}' cannot be read: {first_line}. Run `llcray verify {store.uri} --repair`."
    )
