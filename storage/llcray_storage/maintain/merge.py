"""Importing another dataset: rows come by id, and what is here already stays unless what comes is better."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from llcray_storage.errors import StorageError
from llcray_storage.files.encode import read_parquet
from llcray_storage.read import opened, scan_draws, scan_runs, scan_targets
from llcray_storage.schema.draw import DRAW_COLUMNS
from llcray_storage.schema.tables import DRAWS, RUNS
from llcray_storage.state import snapshot as snapshots
from llcray_storage.state.commits import whole_commits
from llcray_storage.state.lookup import SegmentLookup
from llcray_storage.state.segments import BYTES_PER_HOT_ROW, Part, Rewrite, publish_rewrite, read_segment
from llcray_storage.state.snapshot import Snapshot
from llcray_storage.store.layout import TARGET_PARTITION, Partition
from llcray_storage.store.marker import ensure_dataset
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root, open_store
from llcray_storage.write.commit import commit_run
from llcray_storage.write.stages import import_stages
from llcray_storage.write.sweep_files import import_sweep_files
from llcray_storage.write.targets import OWN_COLUMNS, commit_target, load_target

ATTEMPTS = 10
COMMIT_COLUMNS = ("draws_file", "draws_sha256", "draws_digest", "nonce", "schema_version")


@dataclass(frozen=True)
class Imported:
    """What came.

    Attributes:
        num_runs: Runs that were not here, or replaced a worse one.
        num_targets: Targets that were not here.
        num_known: Runs that were here already.
        left: What could not be read at the source, with the reason.
    """

    num_runs: int
    num_targets: int
    num_known: int
    left: tuple[str, ...]


def import_dataset(source: Root, destination: Root) -> Imported:
    """Merge a dataset into another, which is made if there is none. Doing it again changes nothing.

    A run comes when it is not there, is there in an earlier generation, or failed there and is ok here.

    Raises:
        StorageError: The source is no dataset or damaged, or the destination cannot be written.
    """
    here = opened(source)
    there = open_store(destination)
    ensure_dataset(there)
    if here.uri == there.uri:
        raise StorageError(f"dataset '{here.uri}' was to be imported into itself: give two different places.")
    num_targets, left = _import_targets(here, there, source, destination)
    import_stages(here, there)
    import_sweep_files(here, there)
    num_runs = num_known = 0
    for partition in snapshots.partitions(here, None):
        came, known, damaged = _import_sweep(here, there, source, destination, partition)
        num_runs, num_known, left = num_runs + came, num_known + known, [*left, *damaged]
    return Imported(num_runs, num_targets, num_known, tuple(left))


def _import_targets(here: ObjectStore, there: ObjectStore, source: Root, destination: Root) -> tuple[int, list[str]]:
    known = scan_targets(destination).select("target_id").collect()
    new = scan_targets(source).select("target_id").collect().join(known, on="target_id", how="anti")["target_id"].sort()
    left = []
    for target_id in new:
        loaded = load_target(here, target_id)
        if loaded is None:
            left.append(f"{TARGET_PARTITION.folder}: the arrays of target '{target_id}' are missing or damaged")
            continue
        row, arrays = loaded
        commit_target(there, {name: value for name, value in row.items() if name not in OWN_COLUMNS}, arrays)
    return len(new) - len(left), left


def _import_sweep(
    here: ObjectStore, there: ObjectStore, source: Root, destination: Root, partition: Partition
) -> tuple[int, int, tuple[str, ...]]:
    for _ in range(ATTEMPTS):
        taken = snapshots.take(here, partition)
        target = snapshots.take(there, partition)
        theirs = scan_runs(destination, partition.sweep).select("run_id", "generation", "status").collect()
        ours = scan_runs(source, partition.sweep).select("run_id", "generation", "status").collect()
        compared = ours.join(theirs, on="run_id", how="left", suffix="_there")
        new = set(compared.filter(pl.col("generation_there").is_null())["run_id"])
        better = compared.filter(
            (pl.col("generation") > pl.col("generation_there"))
            | ((pl.col("status") == "ok") & (pl.col("status_there") == "failed"))
        )
        names = [name for name, run_id in taken.hot.select("name", "id").iter_rows() if run_id in new]
        hot, left = whole_commits(here, partition, names)
        rewrite = Rewrite(target.manifest.segments, _runs(here, taken, new, hot), _draws(here, taken, new, hot))
        if new and publish_rewrite(there, partition, target.manifest.number + 1, rewrite) is None:
            continue
        for run_id, generation, generation_there in better.select(
            "run_id", "generation", "generation_there"
        ).iter_rows():
            _replace(there, source, partition, run_id, max(generation, generation_there + 1))
        came = len(new) - len(left) + better.height
        return came, ours.height - len(new) - better.height, left
    raise StorageError(f"{partition.spoken} in '{there.uri}' is compacted again and again: run the import later.")


def _runs(here: ObjectStore, taken: Snapshot, new: set[str], hot: pa.Table) -> Iterator[Part]:
    wanted = new - set(taken.shadowed)
    for segment in taken.manifest.of(RUNS):
        rows = _only(read_segment(here, taken.partition, RUNS, segment), wanted)
        yield Part(rows, rows.num_rows * BYTES_PER_HOT_ROW)
    yield Part(hot, hot.num_rows * BYTES_PER_HOT_ROW)


def _draws(here: ObjectStore, taken: Snapshot, new: set[str], hot: pa.Table) -> Iterator[Part]:
    wanted = new - set(taken.shadowed)
    for segment in taken.manifest.of(DRAWS):
        yield Part(_only(read_segment(here, taken.partition, DRAWS, segment), wanted), segment.size)
    for name in hot.column("draws_file").to_pylist():
        if name is not None:
            data = here.get(f"{taken.partition.details_folder}/{name}")
            rows = read_parquet(DRAWS, data)
            yield Part(rows, min(rows.nbytes, len(data)))


def _only(rows: pa.Table, ids: set[str]) -> pa.Table:
    return rows.filter(pa.array([run_id in ids for run_id in rows.column("run_id").to_pylist()], type=pa.bool_()))


def _replace(there: ObjectStore, source: Root, partition: Partition, run_id: str, generation: int) -> None:
    """Write one run as a later generation; null columns of its draws are left out, as its writer did."""
    row = scan_runs(source, partition.sweep).filter(pl.col("run_id") == run_id).collect().to_dicts()[0]
    row = {name: value for name, value in row.items() if name not in COMMIT_COLUMNS}
    chains = scan_draws(source, partition.sweep, run_id).collect().to_dicts()
    names = [column.name for column in DRAW_COLUMNS]
    draws = [{name: chain[name] for name in names if chain[name] is not None} for chain in chains]
    commit_run(there, partition, SegmentLookup(there, partition), {**row, "generation": generation}, draws)
