"""Whether an estimate can be trusted: the verdict, or that there is none."""

import polars as pl
from llcray_storage.schema.tables import RUNS
from llcray_storage.schema.target import AT_CENTER

FAILED = "failed"
OF_THE_TARGET = {*AT_CENTER, *(name for name in RUNS.by_name if name.startswith("update_sparsity_"))}
"""Numbers of w* itself: whether chains converged says nothing about them."""


def trust(y: str = "llc") -> pl.Expr:
    """The column `trust` of a number: the verdict; `failed` if there is no estimate; `ok` if it is of w* itself."""
    failed = (pl.col("status") == "failed").fill_null(False)
    verdict = pl.lit("ok") if y in OF_THE_TARGET else pl.col("verdict")
    return pl.when(failed).then(pl.lit(FAILED)).otherwise(verdict).alias("trust")
