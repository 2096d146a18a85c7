"""The diagnostics of a series of shape (chain, draw), also as draws are added. Numbers by arviz-stats."""

import warnings

import numpy as np
from scipy import stats

from llcray.array_statistics import array_stats

NUM_POINTS = 24
FIRST_SHARE = 0.08
QUANTILES = np.linspace(0.05, 0.95, 19)
NUM_RANK_BINS = 20


def running_mean(series: np.ndarray) -> np.ndarray:
    """Mean of the first 1, 2, ... draws of each chain."""
    return np.cumsum(series, axis=1) / np.arange(1, series.shape[1] + 1)


def prefixes(num_draws: int) -> np.ndarray:
    """The numbers of draws at which an evolution is computed: from at least 8 draws to all of them."""
    first = max(8, int(FIRST_SHARE * num_draws))
    return np.unique(np.linspace(first, num_draws, NUM_POINTS).astype(int))


def ess_evolution(series: np.ndarray, method: str) -> np.ndarray:
    """Effective sample size of each prefix."""
    prob = (0.05, 0.95) if method == "tail" else None
    sizes = prefixes(series.shape[1])
    return np.array([array_stats.ess(series[:, :size], method=method, prob=prob) for size in sizes])


def rhat_evolution(series: np.ndarray) -> np.ndarray:
    """Rank-normalised split R-hat of each prefix."""
    return np.array([array_stats.rhat(series[:, :size], method="rank") for size in prefixes(series.shape[1])])


def quantile_ess(series: np.ndarray) -> np.ndarray:
    """Effective sample size of each of QUANTILES."""
    return np.array([array_stats.ess(series, method="quantile", prob=float(prob)) for prob in QUANTILES])


def autocorrelation(series: np.ndarray, num_lags: int) -> np.ndarray:
    """Autocorrelation of each chain at lags 0 .. num_lags - 1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a chain that never moved has none: 0 / 0
        return np.asarray(array_stats.autocorr(series, axis=-1))[:, :num_lags]


def rank_counts(series: np.ndarray) -> np.ndarray:
    """How many draws of each chain fall into each bin of ranks among all chains, shape (chain, bin)."""
    ranks = stats.rankdata(series).reshape(series.shape)
    edges = np.linspace(0.5, series.size + 0.5, NUM_RANK_BINS + 1)
    return np.array([np.histogram(chain, bins=edges)[0] for chain in ranks])


def rank_spread(series: np.ndarray, num_bins: int) -> float:
    """Standard deviation of a count of `rank_counts` for converged chains.

    Binomial, times root (draws / effective draws): correlated draws cluster in neighbouring ranks.
    """
    share = 1 / num_bins
    ess = np.asarray(array_stats.ess(series, method="bulk"), float).item()
    inflation = max(1.0, series.size / ess) if np.isfinite(ess) and ess > 0 else 1.0
    return float(np.sqrt(series.shape[1] * share * (1 - share) * inflation))


def bfmi(energy: np.ndarray) -> np.ndarray:
    """Bayesian fraction of missing information of each chain (Betancourt 2016, arXiv 1604.00695)."""
    return np.asarray(array_stats.bfmi(energy))


def worst_coordinate(projection: np.ndarray) -> int:
    """The coordinate of a projection, shape (chain, draw, coordinate), with the largest R-hat."""
    rhats = [array_stats.rhat(projection[:, :, index], method="rank") for index in range(projection.shape[2])]
    return int(np.nanargmax(rhats)) if np.isfinite(rhats).any() else 0
