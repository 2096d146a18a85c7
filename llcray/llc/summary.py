"""Mean, Monte Carlo error and convergence of a scalar over chains, computed by ArviZ."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from llcray.array_statistics import array_stats

MIN_DRAWS = 8
MIN_BATCHES = 3
NUM_BLOCKS = 128
RELIABLE_ESS = 100
"""Effective draws per chain from which their number is well known."""


class Summary(NamedTuple):
    """Mean, error and convergence of a series of shape (chain, draw); NaN where there are too few draws to say.

    Attributes:
        mean: Mean over chains and draws.
        sd: Posterior standard deviation.
        mcse: Monte Carlo standard error of the mean, sd / sqrt(ESS of the mean).
        rhat: Rank-normalised split R-hat, the larger of bulk and tail (Vehtari et al. 2021, arXiv 1903.08008).
        ess_bulk: Effective sample size of the bulk.
        ess_tail: The smaller effective sample size of the 5% and 95% quantiles.
    """

    mean: float
    sd: float
    mcse: float
    rhat: float
    ess_bulk: float
    ess_tail: float


def summarize(series: np.ndarray) -> Summary:
    """The summary of a finite series of shape (chain, draw)."""
    if series.size == 0:
        return Summary(*([float("nan")] * 6))
    mean, sd = float(series.mean()), float(series.std())
    if series.shape[1] < MIN_DRAWS or (np.ptp(series, axis=1) == 0).all():
        return Summary(mean, sd, *([float("nan")] * 4))
    return Summary(
        mean=mean,
        sd=sd,
        mcse=_mcse(series, sd),
        rhat=float(array_stats.rhat(series, method="rank")),
        ess_bulk=float(array_stats.ess(series, method="bulk")),
        ess_tail=float(array_stats.ess(series, method="tail", prob=(0.05, 0.95))),
    )


def corrected_summary(series: np.ndarray, bias: np.ndarray) -> Summary:
    """The summary of a series less its bias.

    Draws of hot chains are noisy, so their effective sample size and R-hat look better than their slow part is. The
    Monte Carlo error is therefore no smaller than the spread of means says (`spread_of_means`), and R-hat is the larger
    of the series' own and that of means over blocks of draws.

    Args:
        series: Shape (chain, draw), finite.
        bias: Predicted bias of each draw, same shape and unit.
    """
    summary = summarize(series)
    if series.size == 0:
        return summary
    corrected = series - bias
    noise = standard_error(bias)
    blocks = summarize(block_means(corrected, NUM_BLOCKS))
    mcse = max(float(np.hypot(summary.mcse, noise)), spread_of_means(corrected, summary.ess_bulk))
    rhat = float(np.nanmax([summary.rhat, blocks.rhat])) if np.isfinite([summary.rhat, blocks.rhat]).any() else np.nan
    return summary._replace(mean=float(corrected.mean()), mcse=mcse, rhat=rhat)


def spread_of_chains(series: np.ndarray) -> float:
    """Standard error of the mean from the means of chains, shape (chain, draw); 0 for a single chain."""
    return float(series.mean(axis=1).std(ddof=1) / np.sqrt(len(series))) if len(series) > 1 else 0.0


def spread_of_means(series: np.ndarray, ess: float) -> float:
    """Standard error of the mean from the means of chains, and where these are short the larger one of half chains.

    An effective sample size below a hundred per chain is itself not well known (Vehtari et al. 2021, section 4), and
    half chains see what all chains do together.

    Args:
        series: Shape (chain, draw).
        ess: Its effective sample size; NaN where it is unknown.
    """
    chains = spread_of_chains(series)
    return chains if ess >= RELIABLE_ESS * len(series) else float(np.fmax(chains, standard_error(series)))


def block_means(series: np.ndarray, num_blocks: int) -> np.ndarray:
    """Means over equal blocks of consecutive draws, shape (chain, block); the first draws are left out if any are."""
    size = max(1, series.shape[1] // num_blocks)
    num_blocks = series.shape[1] // size
    return series[:, series.shape[1] - size * num_blocks :].reshape(len(series), num_blocks, size).mean(axis=2)


def standard_error(values: np.ndarray) -> float:
    """Standard error of the mean of a series of shape (chain, draw), from the spread of the means of half chains.

    Suits series whose noise cancels from draw to draw, whose effective sample size would be far above the number of
    draws.
    """
    half = values.shape[1] // 2
    if half == 0:
        return float("nan")
    means = np.concatenate([values[:, :half].mean(axis=1), values[:, half:].mean(axis=1)])
    return float(means.std(ddof=1) / np.sqrt(len(means)))


def running_mean(block_means: Sequence[float]) -> tuple[float, float]:
    """Mean and Monte Carlo standard error of a chain that is still running, from the later half of its blocks.

    Neighbouring blocks are correlated, so k blocks are pooled into batches of about sqrt(k) blocks each:

        mcse = sd(batch means) / sqrt(number of batches)

    Args:
        block_means: Means of equal blocks of draws, in order.

    Returns:
        The mean, and its standard error in the same unit. With fewer than `MIN_BATCHES` batches the mean is that of the
        last block, NaN where there is none, and the error is NaN.

    Reference:
        Flegal and Jones, "Batch means and spectral variance estimators in Markov chain Monte Carlo", Annals of
        Statistics 38 (2010), arXiv 0811.1729.
    """
    kept = block_means[len(block_means) // 2 :]
    size = max(1, min(math.isqrt(len(kept)), len(kept) // MIN_BATCHES))
    batches = [statistics.fmean(kept[i : i + size]) for i in range(len(kept) % size, len(kept), size)]
    if len(batches) < MIN_BATCHES:
        return (kept[-1] if kept else math.nan), math.nan
    return statistics.fmean(kept), statistics.stdev(batches) / math.sqrt(len(batches))


def running_error(block_means: Sequence[float]) -> float:
    """Relative error of the running mean: its standard error and its drift, over its size.

        error = (mcse + |mean of the second half - mean of the first half|) / |mean|

    The halves are those of the blocks that `running_mean` uses. Without the drift, a chain that hardly leaves w* would
    seem exact, since its batch means differ little.

    Args:
        block_means: Means of equal blocks of draws, in order.

    Returns:
        The error, without unit; NaN with too few blocks.
    """
    mean, mcse = running_mean(block_means)
    if not math.isfinite(mcse) or not mean:
        return math.nan
    kept = block_means[len(block_means) // 2 :]
    middle = len(kept) // 2
    drift = statistics.fmean(kept[middle:]) - statistics.fmean(kept[:middle])
    return (mcse + abs(drift)) / abs(mean)


def _mcse(series: np.ndarray, sd: float) -> float:
    return sd / float(np.sqrt(array_stats.ess(series, method="mean")))
