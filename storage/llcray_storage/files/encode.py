"""Encodes rows as Parquet bytes and decodes them, in memory: nothing reaches storage before it is whole.

Files have zstd compression of level 3, page checksums, and BYTE_STREAM_SPLIT encoding for the float32 series (a third
smaller than with the default encoding). A commit of one row is not compressed: nearly all of its 150 KB are schema,
which compression does not reach, and a compressor for each of 350 columns took 40% of the time of writing.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from llcray_storage.errors import StorageError
from llcray_storage.files.values import stored_row
from llcray_storage.schema.column import SERIES, Column
from llcray_storage.schema.draw import BY_DRAW
from llcray_storage.schema.status import DONE
from llcray_storage.schema.tables import DRAWS, Table

ROWS_PER_GROUP = {"runs": 8192, "draws": 64, "targets": 8192, "stages": 8192}
"""Rows in a row group, by table. Reading one run's draws costs one row group: 16 runs of 4 chains."""

UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""The exceptions that pyarrow raises on bytes that are no whole Parquet file."""

SEAL = "llcray.sha256"
"""Metadata key of a file's own hash: SHA-256 of the file with zeros in the place of the hash."""
UNSEALED = "0" * 64
SEALED = re.compile(rb"llcray\.sha256\x18\x40(.{64})", re.DOTALL)
"""The seal as bytes of the footer: key, type and length in Thrift's encoding, then the hash."""


def new_nonce() -> str:
    """Make a random text that tells one write from any other."""
    return secrets.token_hex(8)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of the bytes as hex digits."""
    return hashlib.sha256(data).hexdigest()


def table_of_rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Check the rows and make an Arrow table of exactly the table's schema.

    Raises:
        StorageError: A row has an unknown column, a wrong type, a number out of range or a missing required value.
    """
    stored_rows = [stored_row(table, row) for row in rows]
    arrays = [_array(column, [row[column.name] for row in stored_rows]) for column in table.columns]
    return pa.Table.from_arrays(arrays, schema=table.arrow)


def table_of_draws(identity: Mapping[str, Any], chains: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Make an Arrow table of `draws` from the chains of one run, ordered by chain.

    Args:
        identity: Columns run_id, sweep and generation of the run.
        chains: For each chain a mapping with `chain` and further columns of `draws`; a series has one number a draw.

    Raises:
        StorageError: A row is refused, series of one chain differ in length, or a chain number is given twice.
    """
    rows = [{"status": DONE, **chain, **identity} for chain in chains]
    encoded = table_of_rows(DRAWS, rows)
    for row in rows:
        _refuse_ragged(row)
    numbers = encoded.column("chain").to_pylist()
    if len(set(numbers)) != len(numbers):
        raise StorageError(f"run '{identity['run_id']}' has chain numbers {numbers}: each chain is written once.")
    return encoded.sort_by("chain")


def _refuse_ragged(row: Mapping[str, Any]) -> None:
    lengths = {name: len(np.ravel(row[name])) for name in BY_DRAW if row.get(name) is not None}
    if row.get("projection") is not None:
        dimension = row.get("projection_dimension")
        if not dimension:
            raise StorageError(f"chain {row['chain']} has a projection without projection_dimension: give both.")
        lengths["projection"] = len(np.ravel(row["projection"])) / dimension  # pyright: ignore[reportArgumentType]
    if len(set(lengths.values())) > 1:
        listing = ", ".join(f"{name} {length:g}" for name, length in lengths.items())
        raise StorageError(
            f"chain {row['chain']} of run '{row['run_id']}' is ragged ({listing} draws): cut to one length."
        )


def _array(column: Column, values: Sequence[Any]) -> pa.Array:
    if all(value is None for value in values):
        return pa.nulls(len(values), type=column.type)
    return _series_array(values) if column.type.equals(SERIES) else pa.array(values, type=column.type)


def _series_array(values: Sequence[np.ndarray | None]) -> pa.Array:
    lengths = [0 if value is None else len(value) for value in values]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    parts = [value for value in values if value is not None]
    flat = np.concatenate(parts) if parts else np.empty(0, np.float32)
    absent = pa.array([value is None for value in values], type=pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat, type=pa.float32()), type=SERIES, mask=absent)


def parquet_bytes(table: Table, rows: pa.Table, nonce: str) -> bytes:
    """Encode the rows as one Parquet file; the nonce makes its bytes differ from those of any other write."""
    return _encode(table, rows, {"llcray.nonce": nonce})


def commit_bytes(table: Table, row: Mapping[str, Any], nonce: str) -> bytes:
    """Encode one row as a Parquet file that carries its own hash (see `SEAL`).

    Page checksums leave the footer unguarded, and nothing else on disk records the hash of a commit.
    """
    return commit_rows_bytes(table, [row], nonce)


def commit_rows_bytes(table: Table, rows: Sequence[Mapping[str, Any]], nonce: str) -> bytes:
    """Encode rows that are committed together as one Parquet file that carries its own hash, as `commit_bytes` does."""
    metadata = {"llcray.nonce": nonce, SEAL: UNSEALED}
    data = _encode(table, table_of_rows(table, rows), metadata, "none" if len(rows) == 1 else "zstd")
    return data.replace(UNSEALED.encode(), sha256(data).encode())


def is_intact(data: bytes) -> bool | None:
    """Compare a file with its own hash: True when they agree, False when not, None when the file carries no hash."""
    match = SEALED.search(data)
    if match is None:
        return None
    return sha256(data.replace(match[1], UNSEALED.encode())) == match[1].decode(errors="replace")


def _encode(
    table: Table, rows: pa.Table, metadata: Mapping[str, str], compression: Literal["none", "zstd"] = "zstd"
) -> bytes:
    series = [column.name for column in table.columns if column.type.equals(SERIES)]
    plain = [column.name for column in table.columns if not column.type.equals(SERIES)]
    repetitive = [name for name in plain if not pa.types.is_floating(table.by_name[name].type)]
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        table.arrow,
        compression=compression,
        compression_level=3 if compression == "zstd" else None,
        use_dictionary=repetitive if rows.num_rows > 1 else False,  # pyright: ignore[reportArgumentType]
        column_encoding={f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in series} or None,
        write_page_checksum=True,
        write_statistics=plain,  # pyright: ignore[reportArgumentType]
        store_schema=True,
    ) as writer:
        writer.write_table(rows, row_group_size=ROWS_PER_GROUP[table.name])
        writer.add_key_value_metadata(dict(metadata))
    return sink.getvalue().to_pybytes()


def read_parquet(table: Table, data: bytes) -> pa.Table:
    """Decode a Parquet file into the table's schema, verifying page checksums.

    Columns that the file lacks are null; columns that the table lacks are dropped.

    Raises:
        UNREADABLE: The bytes are not a whole Parquet file.
    """
    with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
        return conformed(table, file.read(use_threads=False))


def conformed(table: Table, rows: pa.Table) -> pa.Table:
    """Bring rows that any schema version wrote into the table's schema."""
    if rows.schema.equals(table.arrow):
        return rows.replace_schema_metadata(table.arrow.metadata)
    known = set(rows.column_names)
    arrays = [
        rows.column(field.name).cast(field.type) if field.name in known else pa.nulls(len(rows), field.type)
        for field in table.arrow
    ]
    return pa.Table.from_arrays(arrays, schema=table.arrow)


def draws_digest(rows: pa.Table) -> str:
    """Hash the content of one run's chains by SHA-256, independently of file layout, compression and schema version.

    Nulls leave no trace in the digest, so a column that is added to the schema later changes no digest.
    """
    digest = hashlib.sha256()
    for row in rows.sort_by("chain").to_batches():
        for index in range(row.num_rows):
            for name in sorted(set(row.schema.names) & set(DRAWS.by_name)):
                value = row.column(name)[index]
                if value.is_valid:
                    digest.update(f"{name}\0".encode() + _logical_bytes(value) + b"\0")
    return digest.hexdigest()


def _logical_bytes(value: pa.Scalar) -> bytes:
    if isinstance(value, pa.ListScalar):
        return np.asarray(value.values, dtype="<f4").tobytes()
    return repr(value.as_py()).encode()
