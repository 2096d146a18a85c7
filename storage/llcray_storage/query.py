"""SQL over the dataset, by polars: `runs`, `targets`, `stages`, `observables`, `draws` (a row a chain), `draws_long`.

Only the tables a query names are scanned.
"""

import re

import polars as pl

from llcray_storage.errors import StorageError
from llcray_storage.read import (
    opened,
    scan_draws,
    scan_draws_long,
    scan_observables,
    scan_runs,
    scan_targets,
)
from llcray_storage.store.settings import Root
from llcray_storage.write.stages import scan_stages

SCANS = {
    "runs": scan_runs,
    "draws": scan_draws,
    "draws_long": scan_draws_long,
    "targets": scan_targets,
    "stages": scan_stages,
    "observables": scan_observables,
}


def sql(root: Root, query: str) -> pl.DataFrame:
    """The answer to one SELECT.

    Raises:
        StorageError: There is no dataset, or the query is not understood.
    """
    opened(root)
    frames = {name: scan(root) for name, scan in SCANS.items() if re.search(rf"\b{name}\b", query)}
    try:
        with pl.SQLContext(frames) as context:
            return context.execute(query, eager=True)
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().splitlines()[0]
        raise StorageError(f"query {query!r} failed: {reason}. Tables: {', '.join(SCANS)}.") from error
