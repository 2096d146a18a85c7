"""Pareto-smoothed importance sampling: estimates under the posterior from draws of another density, the proposal.

    E[f] = sum_i w_i f(x_i) / sum_i w_i,    w_i = p(x_i)/q(x_i),    x_i ~ q

The largest weights are replaced by quantiles of the generalized Pareto distribution that fits them. The shape of this
distribution, k-hat, says how far the weights can be trusted: above 0.7 no practical number of draws suffices.

Reference: Vehtari, Simpson, Gelman, Yao & Gabry 2024, Pareto smoothed importance sampling, JMLR 25 (arXiv 1507.02646).
"""

from typing import NamedTuple

import numpy as np

from llcray.array_statistics import array_stats
from llcray.llc.draws import Draws
from llcray.llc.summary import Summary

EVEN = 0.1
"""Nats. Weights that differ by less have no tail to fit."""
FEWEST_IN_TAIL = 5
"""Largest weights that a tail is fitted to at least."""
FEWEST = 32
"""Draws of finite weight below which no tail is fitted."""


class Weights(NamedTuple):
    """Smoothed importance weights.

    Attributes:
        log: Logarithms of weights that sum to one over all chains, shape (chain, draw); minus infinity for draws
            whose loss is not finite.
        pareto_khat: Shape of the weights' tail; infinite where too few weights are above zero.
    """

    log: np.ndarray
    pareto_khat: float

    @property
    def ess(self) -> float:
        """The effective number of draws, 1/sum_i w_i^2."""
        return float(1 / np.sum(np.exp(2 * self.log)))


class Importance(NamedTuple):
    """The loss under the posterior by importance sampling.

    Attributes:
        loss: Summary of L - L*, nats.
        pareto_khat: Shape of the tail of the weights.
    """

    loss: Summary
    pareto_khat: float

    def llc(self, n_beta: float) -> Summary:
        """The summary of n beta (L - L*), nats."""
        loss = self.loss
        return loss._replace(mean=n_beta * loss.mean, sd=n_beta * loss.sd, mcse=n_beta * loss.mcse)


def weigh(draws: Draws) -> Weights:
    """Computes the smoothed weights of draws of a proposal; a loss that is not finite has no weight."""
    is_usable = np.isfinite(draws.log_weight) & np.isfinite(draws.centered_loss)
    log_weight = np.full(is_usable.shape, -np.inf)
    if is_usable.sum() < FEWEST:
        return Weights(np.full(log_weight.shape, -np.log(log_weight.size)), np.inf)
    log_weight[is_usable], khat = smooth(draws.log_weight[is_usable])
    return Weights(log_weight, khat)


def smooth(log_weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Replaces the largest weights by quantiles of their Pareto tail, and makes all sum to one.

    Args:
        log_weights: Finite, shape (draw,), at least `FEWEST` of them.

    Returns:
        Logarithms of the weights, and k-hat: 0 where weights are alike or the largest are equal, infinity where no tail
        can be fitted.
    """
    log_weights = log_weights - log_weights.max()
    largest = np.sort(log_weights)[-FEWEST_IN_TAIL:]
    if np.ptp(log_weights) < EVEN or np.ptp(largest) == 0:
        return log_weights - _log_sum(log_weights), 0.0
    with np.errstate(all="ignore"):
        smoothed, khat = array_stats.psislw(-log_weights)
    if np.isnan(smoothed).any():  # all but the largest weight are zero in float64, which a small k-hat is fitted to
        return log_weights - _log_sum(log_weights), np.inf
    return smoothed - _log_sum(smoothed), float(khat) if np.isfinite(khat) else np.inf


def weighted_summary(series: np.ndarray, weights: Weights, resampled: Summary) -> Summary:
    """Estimates the mean of a series under the posterior, with the error of self-normalised importance sampling.

        mcse^2 = sum_i w_i^2 (f_i - mean)^2

    Args:
        series: f, shape (chain, draw).
        weights: Weights of the draws.
        resampled: Summary of the draws resampled, which says how far chains agree.

    Reference:
        Owen 2013, Monte Carlo theory, methods and examples, eq. 9.9.
    """
    weight = np.exp(weights.log)
    values = np.where(weight > 0, series, 0.0)
    mean = float(np.sum(weight * values))
    return Summary(
        mean=mean,
        sd=float(np.sqrt(np.sum(weight * (values - mean) ** 2))),
        mcse=float(np.sqrt(np.sum(weight**2 * (values - mean) ** 2))),
        rhat=resampled.rhat,
        ess_bulk=weights.ess,
        ess_tail=resampled.ess_tail,
    )


def resample(draws: Draws, weights: Weights) -> Draws:
    """Makes draws of the posterior: each chain's draws, repeated in proportion to their weights.

    Repeats follow each other, so that autocorrelation counts them. A chain without any weight stays as it is.

    Reference:
        Kitagawa 1996, J. Comput. Graph. Stat. 5: systematic resampling, here without a random offset.
    """
    chains = [_places(log_weight) for log_weight in weights.log]
    return Draws(*(np.stack([field[c, places] for c, places in enumerate(chains)]) for field in draws))


def _places(log_weight: np.ndarray) -> np.ndarray:
    """The index of each resampled draw of a chain."""
    num_draws = len(log_weight)
    if not np.isfinite(log_weight).any():
        return np.arange(num_draws)
    cumulative = np.cumsum(np.exp(log_weight - log_weight.max()))
    wanted = (np.arange(num_draws) + 0.5) / num_draws * cumulative[-1]
    return np.searchsorted(cumulative, wanted)


def _log_sum(values: np.ndarray) -> float:
    largest = values.max()
    return float(largest + np.log(np.sum(np.exp(values - largest))))
