"""Imports another dataset by ids: a row that is here already stays, unless the other one is better."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from llcray_storage.errors import StorageError
from llcray_storage.files.encode import UNREADABLE, read_parquet
from llcray_storage.read import scan_draws, scan_runs, scan_targets
from llcray_storage.schema.draw import DRAW_COLUMNS
from llcray_storage.schema.run import COMMIT
from llcray_storage.schema.status import DONE, FAILED
from llcray_storage.schema.tables import DRAWS, RUNS
from llcray_storage.state.commits import whole_commits
from llcray_storage.state.lookup import SegmentLookup
from llcray_storage.state.segments import BYTES_PER_HOT_ROW, Part, Rewrite, publish_rewrite, read_segment
from llcray_storage.state.snapshot import Snapshot, known_sweeps, stray_folders, take_snapshot
from llcray_storage.store.layout import ID, TARGET_PARTITION, Partition, sweep_partition
from llcray_storage.store.marker import ensure_dataset, open_existing
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root, open_store
from llcray_storage.write.commit import commit_run
from llcray_storage.write.stages import import_stages
from llcray_storage.write.sweep_files import import_sweep_files
from llcray_storage.write.targets import COMMIT_COLUMNS, commit_target, read_arrays

ATTEMPTS = 10


@dataclass(frozen=True)
class Imported:
    """The outcome of an import.

    Attributes:
        num_runs: Number of runs that the destination lacked, or that replaced a worse one there.
        num_targets: Number of targets that the destination lacked.
        num_known: Number of runs that the destination had already.
        left: Rows that could not be read at the source, with the reason.
    """

    num_runs: int
    num_targets: int
    num_known: int
    left: tuple[str, ...]


class _SourceError(StorageError):
    """A part of the source cannot be read."""


class _Place(NamedTuple):
    """A dataset as the scan functions take it, and its store."""

    root: Root
    store: ObjectStore


def import_dataset(source: Root, destination: Root) -> Imported:
    """Import the source into the destination, which is made if it is no dataset. A second import changes nothing.

    Nothing is changed at the source. What is damaged there is left out and named.

    A run is imported when the destination lacks it, has an earlier generation of it, or has it as failed where it is
    done at the source.

    Raises:
        StorageError: The source is no dataset, or the destination is damaged or cannot be written.
    """
    origin = _Place(source, open_existing(source))
    recipient = _Place(destination, open_store(destination))
    ensure_dataset(recipient.store)
    if origin.store.uri == recipient.store.uri:
        raise StorageError(f"dataset '{origin.store.uri}' was to be imported into itself: give two different places.")
    left = [f"{path}: no sweep has such a name" for path in stray_folders(origin.store)]
    num_targets = num_runs = num_known = 0
    try:
        num_targets, problems = _import_targets(origin, recipient)
        left += problems
    except _SourceError as error:
        left.append(str(error))
    left += import_stages(origin.store, recipient.store)
    import_sweep_files(origin.store, recipient.store)
    for partition in map(sweep_partition, known_sweeps(origin.store)):
        try:
            num_imported, num_there, in_sweep = _import_sweep(origin, recipient, partition)
        except _SourceError as error:
            left.append(str(error))
            continue
        num_runs, num_known, left = num_runs + num_imported, num_known + num_there, [*left, *in_sweep]
    return Imported(num_runs, num_targets, num_known, tuple(left))


@contextmanager
def _reading_source(partition: Partition) -> Iterator[None]:
    """Tell what is wrong with the source from what is wrong with the destination."""
    try:
        yield
    except (StorageError, *UNREADABLE, pl.exceptions.PolarsError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise _SourceError(f"{partition.folder}: nothing of it was imported: {first_line}") from error


def _import_targets(source: _Place, destination: _Place) -> tuple[int, list[str]]:
    """Import targets; returns how many, and what is wrong with the others."""
    known = scan_targets(destination.root).select("target_id").collect()
    with _reading_source(TARGET_PARTITION):
        found = scan_targets(source.root).collect()
    missing = found.join(known, on="target_id", how="anti").sort("target_id")
    problems = []
    for row in missing.iter_rows(named=True):
        with _reading_source(TARGET_PARTITION):
            arrays = read_arrays(source.store, row) if ID.fullmatch(row["target_id"]) else None
        if arrays is None:
            problems.append(
                f"{TARGET_PARTITION.folder}: the arrays of target {row['target_id']!r} are missing or damaged"
            )
            continue
        own = {name: value for name, value in row.items() if name not in COMMIT_COLUMNS}
        commit_target(destination.store, own, arrays)
    return len(missing) - len(problems), problems


def _import_sweep(source: _Place, destination: _Place, partition: Partition) -> tuple[int, int, tuple[str, ...]]:
    """Import runs of a sweep; returns how many, how many the destination had, and what is wrong with the others."""
    for _ in range(ATTEMPTS):
        manifest = take_snapshot(destination.store, partition).manifest
        known = scan_runs(destination.root, partition.sweep).select("run_id", "generation", "status").collect()
        with _reading_source(partition):
            snapshot = take_snapshot(source.store, partition)
            rows = scan_runs(source.root, partition.sweep).select("run_id", "generation", "status", "sweep").collect()
        is_run = pl.col("run_id").str.contains(f"^(?:{ID.pattern})$") & (pl.col("sweep") == partition.sweep)
        found, strange = rows.filter(is_run), rows.filter(~is_run)
        refused = tuple(f"{partition.folder}: a run is named {name!r}" for name in strange["run_id"])
        compared = found.join(known, on="run_id", how="left", suffix="_known")
        missing = set(compared.filter(pl.col("generation_known").is_null())["run_id"])
        better = compared.filter(
            (pl.col("generation") > pl.col("generation_known"))
            | ((pl.col("status") == DONE) & (pl.col("status_known") == FAILED))
        )
        names = [name for name, run_id in snapshot.hot.select("name", "id").iter_rows() if run_id in missing]
        with _reading_source(partition):
            hot, problems = whole_commits(source.store, partition, names)
        rewrite = Rewrite(
            manifest.segments,
            _run_parts(source.store, snapshot, missing, hot),
            _draw_parts(source.store, snapshot, missing, hot),
        )
        if missing and publish_rewrite(destination.store, partition, manifest.number + 1, rewrite) is None:
            continue
        for run_id, generation, generation_known in better.select(
            "run_id", "generation", "generation_known"
        ).iter_rows():
            _replace(source, destination, partition, run_id, max(generation, generation_known + 1))
        num_imported = len(missing) - len(problems) + better.height
        return num_imported, found.height - len(missing) - better.height, (*problems, *refused)
    raise StorageError(
        f"{partition.title} in '{destination.store.uri}' is compacted again and again: run the import later."
    )


def _run_parts(store: ObjectStore, snapshot: Snapshot, run_ids: set[str], hot: pa.Table) -> Iterator[Part]:
    """Read the rows of some runs, from segments and then from hot commits."""
    in_segments = run_ids - set(snapshot.shadowed)
    for segment in snapshot.manifest.of(RUNS):
        with _reading_source(snapshot.partition):
            rows = _only(read_segment(store, snapshot.partition, RUNS, segment), in_segments)
        yield Part(rows, rows.num_rows * BYTES_PER_HOT_ROW)
    yield Part(hot, hot.num_rows * BYTES_PER_HOT_ROW)


def _draw_parts(store: ObjectStore, snapshot: Snapshot, run_ids: set[str], hot: pa.Table) -> Iterator[Part]:
    """Read the draws of some runs, from segments and then from the files that hot commits name."""
    in_segments = run_ids - set(snapshot.shadowed)
    for segment in snapshot.manifest.of(DRAWS):
        with _reading_source(snapshot.partition):
            rows = _only(read_segment(store, snapshot.partition, DRAWS, segment), in_segments)
        yield Part(rows, segment.size)
    for name in hot.column("draws_file").to_pylist():
        if name is not None:
            with _reading_source(snapshot.partition):
                data = store.get(f"{snapshot.partition.details_folder}/{name}")
                rows = read_parquet(DRAWS, data)
            yield Part(rows, min(rows.nbytes, len(data)))


def _only(rows: pa.Table, ids: set[str]) -> pa.Table:
    return rows.filter(pa.array([run_id in ids for run_id in rows.column("run_id").to_pylist()], type=pa.bool_()))


def _replace(source: _Place, destination: _Place, partition: Partition, run_id: str, generation: int) -> None:
    """Write one run of the source as a later generation at the destination."""
    with _reading_source(partition):
        row = scan_runs(source.root, partition.sweep).filter(pl.col("run_id") == run_id).collect().to_dicts()[0]
        chains = scan_draws(source.root, partition.sweep, run_id).collect().to_dicts()
    filled_at_commit = {column.name for column in COMMIT}
    row = {name: value for name, value in row.items() if name not in filled_at_commit} | {"generation": generation}
    names = [column.name for column in DRAW_COLUMNS]
    # Null columns are left out, as the run's first writer did.
    draws = [{name: chain[name] for name in names if chain[name] is not None} for chain in chains]
    commit_run(destination.store, partition, SegmentLookup(destination.store, partition), row, draws)
