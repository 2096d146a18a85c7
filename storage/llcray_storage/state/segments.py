"""Writing segments: many rows in few files, sorted so that filters prune, and published by the next manifest."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from llcray_storage.errors import StorageError
from llcray_storage.files.encode import new_nonce, parquet_bytes, read_parquet, sha256
from llcray_storage.schema.tables import Table
from llcray_storage.state.manifest import Manifest, Segment, publish
from llcray_storage.store.failpoints import reached
from llcray_storage.store.layout import Partition, segment_name
from llcray_storage.store.objects import ObjectStore

TARGET_BYTES = {"runs": 256 * 2**20, "draws": 128 * 2**20, "targets": 256 * 2**20}
BYTES_PER_HOT_ROW = 1024
"""About what a run takes in a segment; alone in a file it takes fifty times more."""
SORTED_BY = {
    "runs": ("sampler_kind", "data_kind", "noise_kind", "architecture_kind", "architecture_activation", "run_id"),
    "draws": ("run_id", "chain"),
    "targets": ("target_kind", "target_id"),
}
"""Columns filters name most come first: row groups then hold few values of them and statistics skip the rest."""


@dataclass(frozen=True)
class Part:
    """Rows on their way into a segment, and about how many bytes they will take there."""

    rows: pa.Table
    size: int


@dataclass(frozen=True)
class Rewrite:
    """The content of the next manifest: segments that stay, and rows that go into new ones.

    Attributes:
        kept: Segments that stay.
        commits: Rows of the partition's own table.
        details: Rows of its details table; read one after another, never all in memory.
    """

    kept: tuple[Segment, ...]
    commits: Iterable[Part]
    details: Iterable[Part]


def publish_rewrite(store: ObjectStore, partition: Partition, number: int, rewrite: Rewrite) -> Manifest | None:
    """Write the segments, then the manifest `number`. None, and nothing changed, when another writer was first."""
    new = list(write_segments(store, partition, partition.table, rewrite.commits))
    reached("compact.commits_put")
    if partition.details is not None:
        new.extend(write_segments(store, partition, partition.details, rewrite.details))
    reached("compact.details_put")
    manifest = Manifest(number, (*rewrite.kept, *new))
    if publish(store, partition, manifest):
        reached("compact.published")
        return manifest
    for segment in new:
        store.delete(segment_path(partition, segment))
    return None


def write_segments(store: ObjectStore, partition: Partition, table: Table, parts: Iterable[Part]) -> Iterator[Segment]:
    """Gather parts until they reach the target size, sort, write; again until there are none."""
    pending: list[pa.Table] = []
    size = 0
    for part in parts:
        pending.append(part.rows)
        size += part.size
        if size >= TARGET_BYTES[table.name]:
            yield _put_segment(store, partition, table, pending)
            pending, size = [], 0
    if sum(rows.num_rows for rows in pending):
        yield _put_segment(store, partition, table, pending)


def _put_segment(store: ObjectStore, partition: Partition, table: Table, parts: Sequence[pa.Table]) -> Segment:
    rows = pa.concat_tables(parts).sort_by([(name, "ascending") for name in SORTED_BY[table.name]])
    data = parquet_bytes(table, rows, new_nonce())
    digest = sha256(data)
    ids = rows.column(table.key).unique().to_pylist()
    segment = Segment(table.name, segment_name(digest), len(data), digest, rows.num_rows, min(ids), max(ids))
    store.put_if_absent(segment_path(partition, segment), data)
    return segment


def segment_path(partition: Partition, segment: Segment) -> str:
    """Path of a segment."""
    table = partition.table if segment.table == partition.table.name else partition.details
    assert table is not None
    return f"{partition.folder_of(table)}/{segment.name}"


def read_segment(store: ObjectStore, partition: Partition, table: Table, segment: Segment) -> pa.Table:
    """The rows of a segment, its hash checked: what was damaged is never copied into a new file.

    Raises:
        StorageError: The segment is missing or damaged.
    """
    path = segment_path(partition, segment)
    data = store.get(path)
    if sha256(data) != segment.sha256:
        raise StorageError(
            f"'{store.uri}/{path}' is damaged: its hash differs. Run `llcray verify {store.uri} --repair`."
        )
    return read_parquet(table, data)


def without(rows: pa.Table, key: str, ids: Sequence[str]) -> pa.Table:
    """The rows whose key is not among the ids."""
    return rows.filter(~pc.field(key).isin(list(ids))) if ids else rows
