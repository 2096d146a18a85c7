"""Scans files of a table with polars: always an explicit list of files, always in the fixed schema."""

from collections.abc import Mapping, Sequence

import polars as pl

from llcray_storage.schema.tables import RUNS, Table
from llcray_storage.store.objects import ObjectStore

UPCASTS = pl.ScanCastOptions(integer_cast="upcast", float_cast="upcast", datetime_cast="nanosecond-downcast")


def scan_files(store: ObjectStore, table: Table, keys: Sequence[str]) -> pl.LazyFrame:
    """Scan files in the table's schema: columns that an older file lacks are null, unknown columns are left out."""
    return scan_sources(table, [store.scan_source(key) for key in keys], store.scan_options)


def in_present_form(frame: pl.LazyFrame, table: Table) -> pl.LazyFrame:
    """Give rows of older files what newer ones hold: present names of texts, and the sampling error of an estimate."""
    renamed = [column for column in table.columns if column.earlier]
    filled = [_sampling_error()] if table is RUNS else []
    return frame.with_columns(*(pl.col(column.name).replace(dict(column.earlier)) for column in renamed), *filled)


def _sampling_error() -> pl.Expr:
    """The column `llc_sampling_se`, from its parts where it is null."""
    step_size = pl.col("step_size_bias_se").fill_null(0.0)
    of_parts = (pl.col("llc_mcse").pow(2) + step_size.pow(2)).sqrt()
    return pl.coalesce("llc_sampling_se", of_parts).alias("llc_sampling_se")


def scan_sources(
    table: Table, sources: Sequence[str | bytes], options: Mapping[str, str] | None = None
) -> pl.LazyFrame:
    """Scan paths, URIs or bytes in memory in the table's schema, as `scan_files` does for keys of a store."""
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
