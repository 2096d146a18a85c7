"""Which estimates may be averaged and which are only shown, by their verdicts.

The column `outcome` says how a run ended for one of its numbers: with a verdict, or `failed`.
"""

import polars as pl
from llcray_storage.schema.status import FAILED
from llcray_storage.schema.tables import RUNS
from llcray_storage.schema.target import AT_CENTER
from llcray_storage.schema.verdicts import VERDICTS, VerdictName

OK: VerdictName = "ok"
OUTCOMES: tuple[str, ...] = (*(verdict.name for verdict in reversed(VERDICTS)), FAILED)
"""Least grave first."""
OF_THE_TARGET = frozenset({*AT_CENTER, *(name for name in RUNS.by_name if name.startswith("update_sparsity_"))})
"""Numbers of w* itself: whether chains converged says nothing about them."""


def outcome(y: str = "llc") -> pl.Expr:
    """The column `outcome` for a number y.

    It is `failed` for a run that failed, `ok` for a number of w* itself, and else the verdict.
    """
    failed = (pl.col("status") == FAILED).fill_null(False)
    verdict = pl.lit(OK) if y in OF_THE_TARGET else pl.col("verdict")
    return pl.when(failed).then(pl.lit(FAILED)).otherwise(verdict).alias("outcome")


def is_trusted(y: str) -> pl.Expr:
    """The column `is_trusted`: whether a run's number may enter means."""
    return ((pl.col("outcome") == OK) & pl.col(y).is_finite()).fill_null(False).alias("is_trusted")


def trusted(runs: pl.DataFrame, y: str) -> pl.DataFrame:
    """The runs whose number may enter means."""
    return runs.filter(is_trusted(y))


def doubtful(runs: pl.DataFrame, y: str) -> pl.DataFrame:
    """The runs with a number that is not to be trusted, which is drawn apart from the means."""
    return runs.filter(pl.col("outcome").is_null() | ~pl.col("outcome").is_in([OK, FAILED]), pl.col(y).is_finite())


def num_without(runs: pl.DataFrame, y: str) -> int:
    """The number of runs that did not fail and still have no finite y."""
    return runs.filter(pl.col("outcome").fill_null("") != FAILED, ~pl.col(y).is_finite().fill_null(False)).height


def estimated(runs: pl.DataFrame) -> pl.DataFrame:
    """The runs that did not fail; all runs where every one failed."""
    reached = runs.filter(pl.col("outcome") != FAILED)
    return runs if reached.is_empty() else reached


def outcome_text(name: str) -> str:
    """The outcome as it is written for people: `not converged`."""
    return name.replace("_", " ")
