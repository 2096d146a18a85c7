"""Runs that differ by seed alone, as one point: mean, spread between them, and Monte Carlo error, kept apart."""

from collections.abc import Sequence

import polars as pl


def aggregate(runs: pl.DataFrame, by: Sequence[str], y: str) -> pl.DataFrame:
    """One row a group of trusted runs.

    Args:
        runs: Runs with the column `trust`; those that are not `ok` or have no y are left out (see `doubtful`).
        by: Columns that tell groups apart.
        y: The number.

    Returns:
        The columns of `by`, sorted; `mean`; `spread`, the standard deviation between the runs (null for one run);
        `num_runs`; and for the LLC (else null) `mcse`, the Monte Carlo error of the mean, sqrt(sum mcse_i^2) / k, and
        `known`, the mean true LLC.
    """
    is_llc = y == "llc"
    none = pl.lit(None, pl.Float64)
    mcse = (pl.col("llc_mcse").pow(2).sum().sqrt() / pl.len()) if is_llc else none
    return (
        trusted(runs, y)
        .group_by(by)
        .agg(
            pl.col(y).mean().alias("mean"),
            pl.col(y).std().alias("spread"),
            mcse.alias("mcse"),
            pl.len().alias("num_runs"),
            (pl.col("true_llc").mean() if is_llc else none).alias("known"),
        )
        .sort(by, nulls_last=True)
    )


def trusted(runs: pl.DataFrame, y: str) -> pl.DataFrame:
    """The runs whose number enters means."""
    return runs.filter(pl.col("trust") == "ok", pl.col(y).is_finite())


def doubtful(runs: pl.DataFrame, y: str) -> pl.DataFrame:
    """The runs with a number that is not to be trusted: to be drawn one by one, apart from the means."""
    return runs.filter(pl.col("trust").is_null() | ~pl.col("trust").is_in(["ok", "failed"]), pl.col(y).is_finite())


def without_number(runs: pl.DataFrame, y: str) -> int:
    """How many runs ended without failing and still have no y."""
    return runs.filter(pl.col("trust").fill_null("") != "failed", ~pl.col(y).is_finite().fill_null(False)).height
