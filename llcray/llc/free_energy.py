"""Free energies of several temperatures from the draws at all of them: multistate reweighting.

With u_k(w) = t_k (L(w) - L*), and N_k draws at inverse temperature t_k, Z_k = int exp(-u_k) prior dw solves

    1/Z_i = sum_n exp(-u_i(w_n)) / (Z_i sum_k N_k exp(-u_k(w_n))/Z_k)

up to a common factor, with n over the draws of all temperatures. It is the estimator of least variance that the draws
allow, and says what any temperature's mean loss is by all of them. The free energy -log Z grows as

    lambda log t - (m - 1) log log t.

Reference: Shirts & Chodera 2008, Statistically optimal analysis of samples from multiple equilibrium states, J.
Chem. Phys. 129 (arXiv 0801.1426), eqs. 11, 13; Watanabe 2009, Algebraic Geometry and Statistical Learning Theory,
theorem 7.1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MAX_ITERATIONS = 2000
TOLERANCE = 1e-6
NUM_STRETCHES = 5
"""Stretches of each chain that are left out in turn. The error of four chains then has the spread of 20 numbers: of
eight, which left out a stretch of all chains at once, 95% intervals held the answer in 89% of cases."""


class Reweighted(NamedTuple):
    """The answers of all temperatures by the draws of all of them.

    Attributes:
        free_energy: -log Z at each temperature less that at the first, nats, shape (temperature,).
        llc: t E[L - L*] at each temperature, nats, same shape.
        llc_se: Standard errors of `llc`.
        slope: Mean of d(-log Z)/d log t between the smallest and the largest t, nats.
        slope_se: Standard error of `slope`.
    """

    free_energy: np.ndarray
    llc: np.ndarray
    llc_se: np.ndarray
    slope: float
    slope_se: float


def reweigh(n_betas: Sequence[float], losses: Sequence[np.ndarray]) -> Reweighted:
    """Joins the draws of several temperatures; errors are those of the jackknife over stretches of chains.

    Args:
        n_betas: t of each temperature, at least two, all different.
        losses: L - L* of its draws, shape (chain, draw), nats; as many draws as there are.
    """
    t = np.asarray(n_betas, float)
    batches = [[stretch for chain in series for stretch in np.array_split(chain, NUM_STRETCHES)] for series in losses]
    free_energy, llc = _solve(t, [series.ravel() for series in losses], np.zeros(len(t)))
    without = [
        _solve(t, [np.concatenate(split[:left] + split[left + 1 :]) for split in batches], free_energy)
        for left in range(len(batches[0]))
    ]
    ends = [int(t.argmin()), int(t.argmax())]

    def slope_of(energies: np.ndarray) -> float:
        return float(np.diff(energies[ends])[0] / np.diff(np.log(t[ends]))[0])

    return Reweighted(
        free_energy=free_energy,
        llc=llc,
        llc_se=_jackknife(np.stack([llc for _, llc in without])),
        slope=slope_of(free_energy),
        slope_se=float(_jackknife(np.array([[slope_of(energies)] for energies, _ in without]))[0]),
    )


def _solve(t: np.ndarray, losses: Sequence[np.ndarray], start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the free energies less the first, and t E[L - L*], at every temperature."""
    pooled = np.concatenate(losses)
    log_counts = np.log([len(series) for series in losses])
    energies = t[:, None] * pooled  # u_k of every draw
    free = start
    for _ in range(MAX_ITERATIONS):
        log_mixture = np.logaddexp.reduce(log_counts[:, None] + free[:, None] - energies, axis=0)
        found = -np.logaddexp.reduce(-energies - log_mixture, axis=1)
        found -= found[0]
        is_settled = np.abs(found - free).max() < TOLERANCE
        free = found
        if is_settled:
            break
    log_mixture = np.logaddexp.reduce(log_counts[:, None] + free[:, None] - energies, axis=0)
    log_weights = free[:, None] - energies - log_mixture
    weights = np.exp(log_weights - np.logaddexp.reduce(log_weights, axis=1)[:, None])
    return free, np.sum(weights * energies, axis=1)


def _jackknife(values: np.ndarray) -> np.ndarray:
    """Standard errors from estimates that leave one batch out each, shape (batch, quantity)."""
    num = len(values)
    return np.sqrt((num - 1) / num * np.sum((values - values.mean(axis=0)) ** 2, axis=0))
