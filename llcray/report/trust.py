"""Whether an estimate can be trusted: the verdict, or that there is none."""

import polars as pl

FAILED = "failed"


def trust() -> pl.Expr:
    """The column `trust`: the verdict, or `failed` where there is no estimate."""
    failed = (pl.col("status") == "failed").fill_null(False)
    return pl.when(failed).then(pl.lit(FAILED)).otherwise(pl.col("verdict")).alias("trust")
