"""Runs that differ by seed alone as one point, with the spread between them and the Monte Carlo error kept apart."""

from collections.abc import Sequence

import polars as pl

from llcray.report.verdict_filter import trusted


def aggregate(runs: pl.DataFrame, by: Sequence[str], y: str) -> pl.DataFrame:
    """One row for each group of trusted runs.

    The page's script computes the same for groups that a reader chooses, in `page/explorer.js`; a test compares them.

    Args:
        runs: Runs with the column `outcome`; those that are not `ok` or have no y are left out.
        by: Columns that tell groups apart.
        y: Column of the number.

    Returns:
        The columns of `by`, sorted; `mean`; `spread`, the standard deviation between the runs (null for one run);
        `num_runs`; and for the LLC (else null) `mcse`, the Monte Carlo error of the mean, sqrt(sum mcse_i^2) / k, and
        `known`, the mean true LLC.
    """
    is_llc = y == "llc"
    nothing = pl.lit(None, pl.Float64)
    mcse = (pl.col("llc_mcse").pow(2).sum().sqrt() / pl.len()) if is_llc else nothing
    return (
        trusted(runs, y)
        .group_by(by)
        .agg(
            pl.col(y).mean().alias("mean"),
            pl.col(y).std().alias("spread"),
            mcse.alias("mcse"),
            pl.len().alias("num_runs"),
            (pl.col("true_llc").mean() if is_llc else nothing).alias("known"),
        )
        .sort(by, nulls_last=True)
    )
