"""Answers SQL over the four tables and the two views by polars; only those that a query names are scanned."""

import re

import polars as pl

from llcray_storage.errors import StorageError
from llcray_storage.read import (
    scan_draws,
    scan_draws_long,
    scan_observables,
    scan_runs,
    scan_stages,
    scan_targets,
)
from llcray_storage.store.marker import open_existing
from llcray_storage.store.settings import Root

SCANS = {
    "runs": scan_runs,
    "draws": scan_draws,
    "draws_long": scan_draws_long,
    "targets": scan_targets,
    "stages": scan_stages,
    "observables": scan_observables,
}


def sql(root: Root, query: str) -> pl.DataFrame:
    """Run one SELECT.

    Raises:
        StorageError: There is no dataset, or the query is not understood.
    """
    open_existing(root)
    frames = {name: scan(root) for name, scan in SCANS.items() if re.search(rf"\b{name}\b", query)}
    try:
        with pl.SQLContext(frames) as context:
            return context.execute(query, eager=True)
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().splitlines()[0]
        raise StorageError(f"query {query!r} failed: {reason}. Tables: {', '.join(SCANS)}.") from error
