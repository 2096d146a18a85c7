"""SQL over the dataset, by polars: `runs`, `draws` (a row a chain), `draws_long` (a row a draw) and `targets`."""

import polars as pl

from llcray_storage.errors import StorageError
from llcray_storage.read import scan_draws, scan_draws_long, scan_runs, scan_targets
from llcray_storage.settings import Root


def sql(root: Root, query: str) -> pl.DataFrame:
    """The answer to one SELECT.

    Raises:
        StorageError: There is no dataset, or the query is not understood.
    """
    frames = {
        "runs": scan_runs(root),
        "draws": scan_draws(root),
        "draws_long": scan_draws_long(root),
        "targets": scan_targets(root),
    }
    try:
        with pl.SQLContext(frames) as context:
            return context.execute(query, eager=True)
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().splitlines()[0]
        raise StorageError(f"query {query!r} failed: {reason}. Tables: {', '.join(frames)}.") from error
