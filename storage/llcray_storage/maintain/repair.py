"""Rebuilds a partition from its whole files: damaged files go to quarantine, their good row groups into new segments.

A run is kept whole or given up: a row whose draws are lost is given up too, so that resuming the sweep computes the run
again.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.files.encode import UNREADABLE, conformed, draws_digest, read_parquet, sha256
from llcray_storage.schema.tables import DRAWS, Table
from llcray_storage.state.commits import details_problem, whole_commit
from llcray_storage.state.manifest import (
    Manifest,
    load_manifest,
    manifest_path,
    newest_manifest_number,
    publish_manifest,
)
from llcray_storage.state.segments import Part, without_ids, write_segments
from llcray_storage.state.snapshot import commits_among
from llcray_storage.store.layout import DRAWS_FILE, SEGMENT_FILE, Partition
from llcray_storage.store.objects import ObjectStore, quarantine


@dataclass(frozen=True)
class Repaired:
    """The outcome of rebuilding a partition.

    Attributes:
        quarantined: Where the damaged files are now.
        lost: Ids whose rows were given up.
    """

    quarantined: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True)
class _Salvage:
    """The readable part of a segment file.

    Attributes:
        path: Path of the segment.
        rows: Rows of the row groups that are whole.
        ids: Ids that the segment holds, those of damaged row groups included as far as they can be read.
        whole: Whether the file is what was written.
    """

    path: str
    rows: pa.Table
    ids: frozenset[str]
    whole: bool


def rebuild(store: ObjectStore, partition: Partition) -> Repaired:
    """Publish a manifest of new segments with every whole row, and move damaged files to quarantine.

    Raises:
        StorageError: Storage cannot be written, or another process published a manifest meanwhile.
    """
    number = newest_manifest_number(store, partition)
    damaged, lost, whole = _examine_commits(store, partition)
    seen: set[str] = set()
    commits = partition.table.arrow.empty_table()
    for salvage in _salvaged(store, partition, partition.table, number):
        seen |= salvage.ids
        commits = pa.concat_tables([commits, salvage.rows])
        damaged.extend([] if salvage.whole else [salvage.path])
    commits = _latest(partition.table, commits)
    new = []
    if partition.details is not None:
        rescue = _DrawsRescue(store, partition, number, commits)
        new.extend(write_segments(store, partition, DRAWS, rescue.parts()))
        seen |= rescue.seen
        damaged.extend(rescue.damaged)
        commits = without_ids(commits, "run_id", list(rescue.missing))
    new.extend(write_segments(store, partition, partition.table, [Part(commits, 0)]))
    if number or new:
        damaged.extend(_damaged_manifest(store, partition, number))
        if not publish_manifest(store, partition, Manifest(number + 1, tuple(new))):
            raise StorageError(f"{partition.title} in '{store.uri}' was compacted during repair: run the repair again.")
    quarantined = []
    for path in damaged:
        with contextlib.suppress(ObjectMissingError):
            quarantined.append(quarantine(store, path))
    kept = set(commits.column(partition.table.key).to_pylist()) | whole
    return Repaired(tuple(quarantined), tuple(sorted((seen | lost) - kept)))


def digests_by_run(rows: pa.Table) -> dict[str, str]:
    """Return the logical digest of every run's draws, from rows sorted by run."""
    return {run_id: draws_digest(group) for run_id, group in _by_run(rows)}


def _by_run(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Split rows that are sorted by run into those of each run."""
    ids = rows.column("run_id").to_pylist()
    start = 0
    for stop in range(1, len(ids) + 1):
        if stop == len(ids) or ids[stop] != ids[start]:
            yield ids[start], rows.slice(start, stop - start)
            start = stop


class _DrawsRescue:
    """Collects the draws of the runs in `commits` from the segments that hold them whole.

    Attributes:
        missing: Generation and digest by run of the draws that were not found yet.
        seen: Ids of all runs that the segments hold.
        damaged: Paths of segments that are damaged.
    """

    def __init__(self, store: ObjectStore, partition: Partition, number: int, commits: pa.Table) -> None:
        self._store, self._partition, self._number = store, partition, number
        columns = [commits.column(name).to_pylist() for name in ("run_id", "generation", "draws_digest")]
        self.missing = {
            run_id: (generation, digest)
            for run_id, generation, digest in zip(*columns, strict=True)
            if digest is not None
        }
        self.seen: set[str] = set()
        self.damaged: list[str] = []

    def parts(self) -> Iterator[Part]:
        """Yield the whole draws of each segment."""
        for salvage in _salvaged(self._store, self._partition, DRAWS, self._number):
            self.seen |= salvage.ids
            self.damaged.extend([] if salvage.whole else [salvage.path])
            good = []
            for run_id, rows in _by_run(salvage.rows.sort_by([("run_id", "ascending"), ("chain", "ascending")])):
                generation, digest = self.missing.get(run_id, (None, None))
                if generation is not None and draws_digest(rows) == digest:
                    del self.missing[run_id]
                    good.append(rows)
            if good:
                rows = pa.concat_tables(good)
                yield Part(rows, rows.nbytes)


def _examine_commits(store: ObjectStore, partition: Partition) -> tuple[list[str], set[str], set[str]]:
    """Return the paths of commits that are damaged or whose draws are, their ids, and the ids of whole commits."""
    damaged, lost, whole = [], set(), set()
    for name, identity in commits_among(store.names(partition.folder)).select("name", "id").iter_rows():
        path = f"{partition.folder}/{name}"
        rows = whole_commit(partition.table, name, store.get(path))
        if rows is not None and details_problem(store, partition, rows) is None:
            whole.add(identity)
            continue
        lost.add(identity)
        damaged.append(path)
        draws = rows.column("draws_file")[0].as_py() if rows is not None and partition.details is not None else None
        if draws is not None and DRAWS_FILE.fullmatch(draws):
            damaged.append(f"{partition.details_folder}/{draws}")
    return damaged, lost, whole


def _salvaged(store: ObjectStore, partition: Partition, table: Table, number: int) -> Iterator[_Salvage]:
    """Read every segment that the newest manifest names; when that manifest is damaged, every segment there is."""
    folder = partition.folder_of(table)
    try:
        names = [segment.name for segment in load_manifest(store, partition, number).of(table)] if number else []
    except StorageError:
        names = sorted(name for name in store.names(folder) if SEGMENT_FILE.fullmatch(name))
    for name in names:
        with contextlib.suppress(ObjectMissingError):
            yield _salvage(table, f"{folder}/{name}", store.get(f"{folder}/{name}"))


def _salvage(table: Table, path: str, data: bytes) -> _Salvage:
    """Read a segment; a damaged one row group by row group, with page checksums."""
    # The name of a segment is its hash.
    if path.rpartition("seg-")[2].startswith(sha256(data)[:16]):
        rows = read_parquet(table, data)
        return _Salvage(path, rows, frozenset(rows.column(table.key).to_pylist()), whole=True)
    good = [table.arrow.empty_table()]
    ids: set[str] = set()
    with (
        contextlib.suppress(*UNREADABLE),
        pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file,
    ):
        # A damaged column name would pass for a missing column and be read as null.
        names_are_known = set(file.schema_arrow.names) <= set(table.by_name)
        for group in range(file.num_row_groups):
            ids |= _readable_ids(table, data, group)
            with contextlib.suppress(*UNREADABLE):
                if names_are_known:
                    good.append(conformed(table, file.read_row_group(group, use_threads=False)))
    return _Salvage(path, pa.concat_tables(good), frozenset(ids), whole=False)


def _readable_ids(table: Table, data: bytes, group: int) -> set[str]:
    """Read the ids of a row group, whatever its checksums say: these runs may have to be computed again."""
    with contextlib.suppress(*UNREADABLE), pq.ParquetFile(pa.BufferReader(data)) as file:
        return set(file.read_row_group(group, columns=[table.key], use_threads=False).column(table.key).to_pylist())
    return set()


def _latest(table: Table, rows: pa.Table) -> pa.Table:
    """Keep one row of each id, that of the highest generation."""
    keys = pl.DataFrame({"id": rows.column(table.key).to_pylist(), "generation": rows.column("generation").to_pylist()})
    best = keys.with_row_index().sort("generation", "index").unique("id", keep="last")["index"].sort()
    return rows.take(pa.array(best.to_list(), type=pa.int64()))


def _damaged_manifest(store: ObjectStore, partition: Partition, number: int) -> list[str]:
    """Return the path of the manifest in a list if it is damaged, else an empty list."""
    try:
        load_manifest(store, partition, number)
    except ObjectMissingError:
        return []
    except StorageError:
        return [manifest_path(partition, number)]
    return []
