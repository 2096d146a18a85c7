"""Writes and reads segments: many rows in few files, sorted so that filters skip row groups.

New segments count once the next manifest, which names them, is published.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from llcray_storage.errors import StorageError
from llcray_storage.files.encode import new_nonce, parquet_bytes, read_parquet, sha256
from llcray_storage.schema.tables import Table
from llcray_storage.state.manifest import Manifest, Segment, publish_manifest
from llcray_storage.store.failpoints import failpoint
from llcray_storage.store.layout import Partition, mending_command, segment_name
from llcray_storage.store.objects import ObjectStore

TARGET_BYTES = {"runs": 256 * 2**20, "draws": 32 * 2**20, "targets": 256 * 2**20}
"""Size of a segment, by table. Writing one takes four times that in memory: as read, sorted, encoded, and as bytes."""
PARTS_AT_ONCE = 100
"""Parts that wait to be joined: a table of few rows takes far more memory than its rows."""
BYTES_PER_HOT_ROW = 1024
"""Bytes that a run's row takes in a segment, roughly; in a file of its own it takes fifty times more."""
SORTED_BY = {
    "runs": ("sampler_kind", "data_kind", "noise_kind", "architecture_kind", "architecture_activation", "run_id"),
    "draws": ("run_id", "chain"),
    "targets": ("target_kind", "target_id"),
}
"""Sort order by table. The columns that filters name most come first: a row group then holds few values of them, and
its statistics tell a filter whether to skip it.
"""


@dataclass(frozen=True)
class Part:
    """Rows on their way into a segment, and roughly the bytes that they will take there."""

    rows: pa.Table
    size: int


@dataclass(frozen=True)
class Rewrite:
    """The content of the next manifest: segments that stay, and rows that go into new ones.

    Attributes:
        kept: Segments that stay.
        commits: Rows of the partition's own table.
        details: Rows of the partition's details table; read one after another, never all in memory.
    """

    kept: tuple[Segment, ...]
    commits: Iterable[Part]
    details: Iterable[Part]


def publish_rewrite(store: ObjectStore, partition: Partition, number: int, rewrite: Rewrite) -> Manifest | None:
    """Write the segments, then the manifest `number`, which makes them count.

    Returns:
        The manifest; None when another writer took its number first: then nothing has changed.
    """
    new = list(write_segments(store, partition, partition.table, rewrite.commits))
    failpoint("compact.commits_put")
    if partition.details is not None:
        new.extend(write_segments(store, partition, partition.details, rewrite.details))
    failpoint("compact.details_put")
    manifest = Manifest(number, (*rewrite.kept, *new))
    if publish_manifest(store, partition, manifest):
        failpoint("compact.published")
        return manifest
    for segment in new:
        store.delete(segment_path(partition, segment))
    return None


def write_segments(store: ObjectStore, partition: Partition, table: Table, parts: Iterable[Part]) -> Iterator[Segment]:
    """Write the parts as segments: gather them up to the target size, sort, write, and so on until none is left."""
    pending: list[pa.Table] = []
    size = 0
    for part in parts:
        pending.append(part.rows)
        size += part.size
        if len(pending) > PARTS_AT_ONCE:
            pending = [pa.concat_tables(pending).combine_chunks()]
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
    """Return the path of a segment."""
    table = partition.table if segment.table == partition.table.name else partition.details
    assert table is not None
    return f"{partition.folder_of(table)}/{segment.name}"


def read_segment(store: ObjectStore, partition: Partition, table: Table, segment: Segment) -> pa.Table:
    """Read the rows of a segment, checking its hash, so that damaged rows are never copied into a new file.

    Raises:
        StorageError: The segment is missing or damaged.
    """
    path = segment_path(partition, segment)
    data = store.get(path)
    if sha256(data) != segment.sha256:
        raise StorageError(f"'{store.uri}/{path}' is damaged: its hash differs. Run `{mending_command(store.uri)}`.")
    return read_parquet(table, data)


def without_ids(rows: pa.Table, key: str, ids: Sequence[str]) -> pa.Table:
    """Leave out the rows whose key is among the ids."""
    if not ids:
        return rows
    import pyarrow.compute as pc  # describes all of Arrow's functions as it is loaded; readers need none of them

    return rows.filter(~pc.field(key).isin(list(ids)))
