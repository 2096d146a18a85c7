"""Whether an estimate can be trusted: the verdict, or that there is none."""

import polars as pl
from llcray_storage.target_columns import AT_CENTER

FAILED = "failed"
OF_THE_TARGET = frozenset(AT_CENTER) | {
    "update_sparsity_exact",
    "update_sparsity_tolerance",
    "update_sparsity_relative",
    "update_sparsity_bfloat16",
    "update_sparsity_bfloat16_tolerance",
}
"""Numbers of w* itself: whether chains converged says nothing about them."""


def trust(y: str = "llc") -> pl.Expr:
    """The column `trust` of a number: the verdict; `failed` if there is no estimate; `ok` if it is of w* itself."""
    failed = (pl.col("status") == "failed").fill_null(False)
    verdict = pl.lit("ok") if y in OF_THE_TARGET else pl.col("verdict")
    return pl.when(failed).then(pl.lit(FAILED)).otherwise(verdict).alias("trust")
