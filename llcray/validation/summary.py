"""Rows of runs -> each estimate beside its known answer, and how good a sampler is over all of them. No JAX.

What counts: a run with a finite-temperature answer is compared with that; one with an asymptotic answer only if its
multiplicity is 1. With m > 1 the asymptotic value is off by about (m - 1) log log n at any n of practice, and a global
minimum only bounds the LLC at w* from below: such runs are shown and left out of the statistics.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from llcray.targets.long_runs import long_run_answer

Z_95 = 1.96
FINITE = "finite_temperature"
KNOWN = ("true_llc", "true_llc_kind", "true_llc_source", "true_llc_mcse")
BEST_KNOWN, ASYMPTOTIC = "best", "n → ∞"
LEFT_OUT_MULTIPLICITY, LEFT_OUT_GLOBAL, LEFT_OUT_UNKNOWN = "m > 1", "global bound", "no known answer"


def standard_error() -> pl.Expr:
    """Standard error of the difference between estimate and known answer, nats; a 95% interval is 1.96 of it each way.

        se^2 = llc_se^2 + true_llc_mcse^2, against an asymptotic answer
        se^2 = llc_mcse^2 + step_size_bias_se^2 + true_llc_mcse^2, against a finite-temperature one

    `true_llc_mcse` is the error of the known answer, where that is a long run's. A finite-temperature answer has the
    gamma of the run in it, so that what gamma adds to `llc_se` does not count. A bias that a sampler cannot predict
    (null) counts as none.
    """

    def square(name: str) -> pl.Expr:
        return pl.col(name).fill_nan(None).fill_null(0.0) ** 2

    localization = pl.when(pl.col("true_llc_kind") != FINITE).then(square("localization_se")).otherwise(0.0)
    return (pl.col("llc_mcse") ** 2 + square("step_size_bias_se") + square("true_llc_mcse") + localization).sqrt()


def left_out() -> pl.Expr:
    """Why a run is not in the statistics; null if it is."""
    asymptotic = pl.col("true_llc_kind") != FINITE
    return (
        pl.when(pl.col("true_llc").is_null())
        .then(pl.lit(LEFT_OUT_UNKNOWN))
        .when(pl.col("true_llc_kind") == "global")
        .then(pl.lit(LEFT_OUT_GLOBAL))
        .when(asymptotic & (pl.col("true_multiplicity") != 1))
        .then(pl.lit(LEFT_OUT_MULTIPLICITY))
    )


def compared(runs: pl.DataFrame) -> pl.DataFrame:
    """Adds `has_estimate`, `se`, `z`, `relative_error`, `covered` and `left_out` to rows of the table `runs`.

    Args:
        runs: One row a run, with the columns of the dataset.
    """
    runs = runs.with_columns(
        has_estimate=(pl.col("status") == "ok") & pl.col("llc").is_finite().fill_null(False),
        se=standard_error(),
        left_out=left_out(),
    )
    error = pl.when("has_estimate").then(pl.col("llc") - pl.col("true_llc"))
    return runs.with_columns(z=error / pl.col("se"), relative_error=error / pl.col("true_llc")).with_columns(
        covered=pl.col("z").abs() <= Z_95
    )


def with_long_runs(runs: pl.DataFrame) -> pl.DataFrame:
    """Rows with the answers of today's table of long runs: one made after a run counts for it too.

    Args:
        runs: One row a run, with the columns of the dataset.
    """
    known = pl.struct(KNOWN)
    rows = runs.select("target_id", "n_beta", "localization", known.alias("known")).rows()
    answers = [_answer(*row) for row in rows]
    return runs.with_columns(pl.DataFrame(answers, schema=runs.select(*KNOWN).schema, orient="row"))


def _answer(target_id: str, n_beta: float | None, localization: float | None, known: dict[str, Any]) -> list[Any]:
    values = [known[name] for name in KNOWN]
    if n_beta is None or localization is None or known["true_llc_kind"] == FINITE:
        return values
    answer = long_run_answer(target_id, n_beta, localization)
    return [answer.value, answer.kind, answer.source, answer.mcse] if answer else values


def against_asymptotic(runs: pl.DataFrame) -> pl.DataFrame:
    """The rows with their asymptotic answers as the known ones: what finite n and gamma cost, beside a sampler's error.

    Args:
        runs: One row a run, with the columns of the dataset.
    """
    return runs.with_columns(
        true_llc="true_llc_asymptotic", true_llc_kind="true_llc_asymptotic_kind", true_llc_mcse=pl.lit(0.0)
    )


@dataclass(frozen=True)
class Score:
    """How one sampler did. Shares are in [0, 1]; NaN where no run counts.

    Attributes:
        sampler: Its kind.
        against: What the estimates are compared with.
        num_runs: All runs.
        num_failed: Runs without an estimate: failed, or NaN.
        num_doubted: Runs with an estimate whose verdict is not `ok`.
        num_counted: Runs in the errors and the coverage.
        num_left_out: Runs with an estimate and nothing to compare it with.
        median_error: Of |estimate - truth|/truth.
        p90_error: 90th percentile of the same.
        worst_error: Largest.
        bias: Mean of (estimate - truth)/truth, with its sign.
        half_width: Median of 1.96 se/truth: a coverage is worth the more the narrower its intervals are.
        num_covered: Runs whose 95% interval has the truth.
        kendall_tau: Rank correlation (tau-b) of estimates and truths over the counted runs.
        median_gradients: Full-data-equivalent gradients a run, of all runs with an estimate.
        median_seconds: CPU seconds of sampling a run, compilation excluded.
        worst_seconds: The most.
    """

    sampler: str
    against: str
    num_runs: int
    num_failed: int
    num_doubted: int
    num_counted: int
    num_left_out: int
    median_error: float
    p90_error: float
    worst_error: float
    bias: float
    half_width: float
    num_covered: int
    kendall_tau: float
    median_gradients: float
    median_seconds: float
    worst_seconds: float

    @property
    def coverage(self) -> float:
        """Share of the counted runs whose interval has the truth."""
        return self.num_covered / self.num_counted if self.num_counted else math.nan


def scores(runs: pl.DataFrame, samplers: Sequence[str]) -> Iterator[Score]:
    """The scores of each sampler that has runs: against the best answer known, and against n -> infinity.

    Args:
        runs: One row a run, with the columns of the dataset.
        samplers: Kinds, in the order wanted.
    """
    for sampler in samplers:
        mine = runs.filter(pl.col("sampler_kind") == sampler)
        if not mine.is_empty():
            yield score(sampler, compared(mine), BEST_KNOWN)
            yield score(sampler, compared(against_asymptotic(mine)), ASYMPTOTIC)


def score(sampler: str, runs: pl.DataFrame, against: str) -> Score:
    """The score of one sampler's runs, as `compared` gives them."""
    estimated = runs.filter("has_estimate")
    counted = estimated.filter(pl.col("left_out").is_null())
    signed = counted["relative_error"].to_numpy()
    error = np.abs(signed)
    return Score(
        sampler=sampler,
        against=against,
        num_runs=runs.height,
        num_failed=runs.height - estimated.height,
        num_doubted=estimated.filter(pl.col("verdict") != "ok").height,
        num_counted=counted.height,
        num_left_out=estimated.height - counted.height,
        median_error=_quantile(error, 0.5),
        p90_error=_quantile(error, 0.9),
        worst_error=_quantile(error, 1.0),
        bias=float(signed.mean()) if signed.size else math.nan,
        half_width=_quantile((Z_95 * counted["se"] / counted["true_llc"]).to_numpy(), 0.5),
        num_covered=int(counted["covered"].fill_null(False).sum()),
        kendall_tau=order_preservation(counted["true_llc"].to_numpy(), counted["llc"].to_numpy()),
        median_gradients=_quantile(estimated["num_gradients"].to_numpy(), 0.5),
        median_seconds=_quantile(estimated["sampling_cpu_seconds"].to_numpy(), 0.5),
        worst_seconds=_quantile(estimated["sampling_cpu_seconds"].to_numpy(), 1.0),
    )


def order_preservation(truth: np.ndarray, estimates: np.ndarray) -> float:
    """Kendall's tau-b: 1 where the estimates put the targets in the order of the truths; NaN with fewer than two."""
    if len(truth) < 2 or np.ptp(truth) == 0 or np.ptp(estimates) == 0:
        return math.nan
    statistic: Any = kendalltau(truth, estimates)[0]
    return float(statistic)


def _quantile(values: np.ndarray, share: float) -> float:
    return float(np.quantile(values, share)) if values.size else math.nan
