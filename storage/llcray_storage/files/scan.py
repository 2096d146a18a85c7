"""The one way polars is asked to read files of a table: an explicit list, and the fixed schema."""

from collections.abc import Mapping, Sequence

import polars as pl

from llcray_storage.schema.tables import Table
from llcray_storage.store.objects import ObjectStore

UPCASTS = pl.ScanCastOptions(integer_cast="upcast", float_cast="upcast", datetime_cast="nanosecond-downcast")


def scan_files(store: ObjectStore, table: Table, keys: Sequence[str]) -> pl.LazyFrame:
    """The rows of some files as the table's schema: columns an older file lacks are null, unknown ones are left out."""
    return scan_sources(table, [store.scan_source(key) for key in keys], store.scan_options)


def scan_sources(
    table: Table, sources: Sequence[str | bytes], options: Mapping[str, str] | None = None
) -> pl.LazyFrame:
    """The same of paths, or of bytes in memory."""
    if not sources:
        return pl.LazyFrame(schema=table.polars)
    return pl.scan_parquet(
        list(sources),  # pyright: ignore[reportArgumentType]
        schema=table.polars,
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=UPCASTS,
        hive_partitioning=False,
        glob=False,
        storage_options=dict(options) if options else None,
    )
