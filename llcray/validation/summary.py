"""Comparison of estimates with known answers, and scores of samplers over all runs. No JAX.

A run with a finite-temperature answer is compared with that answer. A run with an asymptotic answer counts only if its
multiplicity m is 1: with m > 1 the asymptotic value is off by about (m - 1) log log n at any n of practice. The value
of a global minimum only bounds the LLC at w* from below. Runs that do not count are shown, but are in no statistic.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from llcray_storage.schema.status import DONE
from scipy.stats import kendalltau

from llcray.targets.long_runs import long_run_answer

Z_95 = 1.96
FINITE = "finite_temperature"
KNOWN = ("true_llc", "true_llc_kind", "true_llc_source", "true_llc_mcse")
BEST_KNOWN, ASYMPTOTIC = "best", "n → ∞"
LEFT_OUT_MULTIPLICITY, LEFT_OUT_GLOBAL, LEFT_OUT_UNKNOWN = "m > 1", "global bound", "no known answer"


def standard_error() -> pl.Expr:
    """Standard error of the difference between estimate and known answer, nats.

    Against an asymptotic answer it is

        se^2 = llc_se^2 + true_llc_mcse^2

    and against a finite-temperature answer, which is that at the gamma of the run, the part of gamma is left out:

        se^2 = llc_mcse^2 + step_size_bias_se^2 + true_llc_mcse^2

    `true_llc_mcse` is the error of a known answer that comes from a long run. A bias that the sampler cannot predict
    (null) counts as 0.
    """

    def square(name: str) -> pl.Expr:
        return pl.col(name).fill_nan(None).fill_null(0.0) ** 2

    localization = pl.when(pl.col("true_llc_kind") != FINITE).then(square("localization_se")).otherwise(0.0)
    return (pl.col("llc_mcse") ** 2 + square("step_size_bias_se") + square("true_llc_mcse") + localization).sqrt()


def left_out() -> pl.Expr:
    """The reason why a run is in no statistic; null where it is in them."""
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
    """The rows with columns `has_estimate`, `se`, `z`, `relative_error`, `covered` and `left_out`.

    Args:
        runs: One row a run, with the columns of the dataset.
    """
    runs = runs.with_columns(
        has_estimate=(pl.col("status") == DONE) & pl.col("llc").is_finite().fill_null(False),
        se=standard_error(),
        left_out=left_out(),
    )
    error = pl.when("has_estimate").then(pl.col("llc") - pl.col("true_llc"))
    return runs.with_columns(z=error / pl.col("se"), relative_error=error / pl.col("true_llc")).with_columns(
        covered=pl.col("z").abs() <= Z_95
    )


def with_long_runs(runs: pl.DataFrame) -> pl.DataFrame:
    """The rows with answers of today's table of long runs, in which a run made later counts for earlier estimates too.

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
    """The rows with their asymptotic answers as the known ones, so that errors include those of finite n and gamma.

    Args:
        runs: One row a run, with the columns of the dataset.
    """
    return runs.with_columns(
        true_llc="true_llc_asymptotic", true_llc_kind="true_llc_asymptotic_kind", true_llc_mcse=pl.lit(0.0)
    )


@dataclass(frozen=True)
class Score:
    """The score of one sampler. Shares are in [0, 1]; NaN where no run counts.

    Attributes:
        sampler: Kind of the sampler.
        against: Name of the answers that the estimates are compared with.
        num_runs: Number of all runs.
        num_failed: Number of runs without an estimate: failed, or NaN.
        num_doubted: Number of runs with an estimate whose verdict is not `ok`.
        num_counted: Number of runs in the errors and the coverage.
        num_left_out: Number of runs with an estimate and nothing to compare it with.
        median_error: Median of the relative errors |estimate - truth|/truth.
        p90_error: 90th percentile of the relative errors.
        worst_error: Largest relative error.
        bias: Mean of (estimate - truth)/truth, with its sign.
        half_width: Median of 1.96 se/truth; the narrower the intervals are, the more a coverage is worth.
        num_covered: Number of runs whose 95% interval holds the truth.
        kendall_tau: Rank correlation (tau-b) of estimates and truths over the counted runs.
        median_gradients: Median of the full-data-equivalent gradients of the runs with an estimate.
        median_seconds: Median of the CPU seconds of sampling of these runs, compilation excluded.
        worst_seconds: Largest of these CPU seconds.
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
        """Share of the counted runs whose 95% interval holds the truth."""
        return self.num_covered / self.num_counted if self.num_counted else math.nan


def scores(runs: pl.DataFrame, samplers: Sequence[str]) -> Iterator[Score]:
    """The scores of each sampler that has runs: against the best answer known, and against n -> infinity.

    Args:
        runs: One row a run, with the columns of the dataset.
        samplers: Kinds of samplers, in the order of the scores.
    """
    for sampler in samplers:
        runs_of_sampler = runs.filter(pl.col("sampler_kind") == sampler)
        if not runs_of_sampler.is_empty():
            yield score(sampler, compared(runs_of_sampler), BEST_KNOWN)
            yield score(sampler, compared(against_asymptotic(runs_of_sampler)), ASYMPTOTIC)


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
    """Kendall's tau-b, which is 1 where the estimates are in the order of the truths; NaN with fewer than two."""
    if len(truth) < 2 or np.ptp(truth) == 0 or np.ptp(estimates) == 0:
        return math.nan
    statistic: Any = kendalltau(truth, estimates)[0]
    return float(statistic)


def _quantile(values: np.ndarray, share: float) -> float:
    return float(np.quantile(values, share)) if values.size else math.nan
