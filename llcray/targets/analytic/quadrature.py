"""t E[K] of low-dimensional losses at finite temperature and localization, by the trapezoidal rule in log |w|.

Every integrand is even in each coordinate and analytic, and decays doubly exponentially to the right and exponentially
to the left, where the trapezoidal rule converges faster than any power of its step (Trefethen and Weideman 2014).
"""

from collections.abc import Sequence

import numpy as np

NUM_NODES = 2401
# |w| from here times the widest scale on; a factor e^-40 of mass is left out for each regular coordinate.
LOG_RANGE = 40.0


def even_power_excess(power: int, n_beta: float, localization: float) -> float:
    """t E[w^p] under exp(-t w^p - gamma/2 w^2), in nats; 1/p at gamma = 0."""
    w, log_width = _nodes(_widest(power, n_beta, localization))
    energy = n_beta * w**power
    weight = _weights(-energy - localization / 2 * w**2 + log_width)
    return float(np.sum(weight * energy))


def monomial_excess(powers: Sequence[int], n_beta: float, localization: float) -> float | None:
    """t E[K], K = (prod_i w_i^p_i)^2, under exp(-t K - gamma/2 |w|^2), in nats, for at most two powers above 0.

    Coordinates of power 0 are independent of K and do not matter. None where it is not known: three or more powers
    above 0, or two without localization, when the density has no finite mass.
    """
    positive = [power for power in powers if power > 0]
    if len(positive) == 1:
        return even_power_excess(2 * positive[0], n_beta, localization)
    if len(positive) > 2 or localization <= 0:
        return None
    w, log_width = _nodes(np.sqrt(2 * LOG_RANGE / localization))
    monomial = np.abs(w[:, None]) ** positive[0] * np.abs(w[None, :]) ** positive[1]
    energy = n_beta * monomial**2
    prior = log_width - localization / 2 * w**2
    weight = _weights(prior[:, None] + prior[None, :] - energy)
    return float(np.sum(weight * energy))


def product_at_zero_excess(
    widths: tuple[int, int, int], n_beta: float, localization: float, curvature: float
) -> float | None:
    """t E[K] of K = curvature/2 |W2 W1|^2 at w* = 0, W1 (H, M), W2 (N, H), in nats.

    Given W1 the other factor is normal and integrates out: Z = E over W1 ~ N(0, 1/gamma) of
    prod_i (1 + t curvature x_i/gamma)^(-N/2), x the eigenvalues of W1 W1^T, whose density for min(M, H) of them is the
    Wishart one, prod |x_i - x_j| prod x_i^((|M - H| - 1)/2) e^(-gamma x_i/2) (Muirhead 1982, theorem 3.2.18). W1 and W2
    may change roles. Then t E[K] = -t d log Z/dt. None when more than two eigenvalues are left, or without
    localization.
    """
    num_inputs, hidden, num_outputs = widths
    inner, outer = sorted((num_inputs, num_outputs))
    count = min(inner, hidden)
    if count > 2 or localization <= 0:
        return None
    x, log_width = _nodes(4 * LOG_RANGE / localization)
    gain = n_beta * curvature * x / localization
    single = (abs(inner - hidden) - 1) / 2 * np.log(x) - localization * x / 2 - outer / 2 * np.log1p(gain) + log_width
    energy = outer / 2 * gain / (1 + gain)
    if count == 1:
        return float(np.sum(_weights(single) * energy))
    repulsion = np.abs(x[:, None] - x[None, :])
    with np.errstate(divide="ignore"):
        weight = _weights(single[:, None] + single[None, :] + np.log(repulsion))
    return float(np.sum(weight * (energy[:, None] + energy[None, :])))


def _widest(power: int, n_beta: float, localization: float) -> float:
    """The |w| at which the density has fallen by e^-LOG_RANGE."""
    reach = (LOG_RANGE / n_beta) ** (1 / power)
    return reach if localization <= 0 else min(reach, float(np.sqrt(2 * LOG_RANGE / localization)))


def _nodes(widest: float) -> tuple[np.ndarray, np.ndarray]:
    """Points evenly spaced in log |w| up to `widest`, and the log of the Jacobian."""
    log_w = np.linspace(np.log(widest) - LOG_RANGE, np.log(widest), NUM_NODES)
    return np.exp(log_w), log_w


def _weights(log_weights: np.ndarray) -> np.ndarray:
    """Weights that sum to one."""
    weights = np.exp(log_weights - log_weights.max())
    return weights / weights.sum()
