"""The bias that a step size leaves in an estimate, and the estimate without it.

The excess temperature that gradient noise xi and discretisation give a sampler raises

    raw = n beta E[L - L*] = lambda + c u,

where u is a prediction of the bias and c a factor near one. Two predictions are known for steps h and damping alpha:

    u = k heat                        k the share of the heat that the loss sees, times its response
    u = h^2/(4 alpha) E[xi' W xi]     W weighs a direction of curvature mu by mu/(mu + gamma)

The first is the better one, but where d is far above lambda the heat, a sum over d directions, is noise. The levels of
raw at two steps then say what c is, more exactly than it is known beforehand.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SEEN_SHARE, SEEN_SHARE_SE = 1.0, 0.12
"""What heat adds to raw, as a multiple of the heat, over ten networks with known answers, and its spread.

It is the share of the heat that the loss sees (0.85 to 1), times the loss's own response: where the loss grows slower
than a quadratic away from w*, it rises by more than the heat (1.08 and 1.17 on students of noisy teachers).
"""
HEAT_PRIOR = SEEN_SHARE_SE / SEEN_SHARE
"""Standard deviation of c, known beforehand, where heat predicts the bias."""
NOISE_PRIOR = 0.3
"""The same where gradient noise predicts the bias, since W is taken at single positions."""
NONLINEARITY = 0.05
"""What the level of hot chains may be off the line by, as a share of their bias."""


class Level(NamedTuple):
    """Raw n beta E[L - L*] at one step, in nats.

    Attributes:
        raw: Mean.
        raw_se: Standard error of the mean.
        bias: Predicted bias u.
        bias_se: Standard error of u.
    """

    raw: float
    raw_se: float
    bias: float
    bias_se: float


class Line(NamedTuple):
    """The line through levels.

    Attributes:
        llc: lambda, nats.
        se: Standard error of lambda, that of c included.
        factor: c.
        factor_se: Standard error of c.
    """

    llc: float
    se: float
    factor: float
    factor_se: float


class PredictedBias(NamedTuple):
    """The step-size bias that an estimate is freed of.

    Attributes:
        of_draw: Prediction for each draw, shape (chain, draw), nats; its mean is subtracted.
        se: Standard error of that mean, as far as the draws' own noise does not hold it, nats.
    """

    of_draw: np.ndarray
    se: float


def fit_line(levels: Sequence[Level], prior_sd: float, prior_mean: float = 1.0) -> Line:
    """Weighted least squares of lambda and c from levels, with c known beforehand up to `prior_sd`.

    Args:
        levels: At least one.
        prior_sd: Standard deviation of c, without unit.
        prior_mean: Mean of c.
    """
    scale = max(max(abs(level.bias), level.raw_se) for level in levels)  # both unknowns in nats
    rows = [(1.0, level.bias / scale, level.raw, np.hypot(level.raw_se, level.bias_se)) for level in levels]
    rows.append((0.0, 1 / scale, prior_mean, prior_sd))
    constant, bias, value, se = np.array(rows).T
    design = np.stack([constant, bias], axis=1) / se[:, None]
    covariance = np.linalg.inv(design.T @ design)
    llc, rise = covariance @ (design.T @ (value / se))
    llc_se, rise_se = np.sqrt(np.diag(covariance))
    return Line(float(llc), float(llc_se), float(rise / scale), float(rise_se / scale))


def disagreement(first: Level, second: Level, prior_sd: float) -> float:
    """Standard errors between 1 and the factor c that two levels say."""
    apart = first.bias - second.bias
    if apart == 0:
        return 0.0
    factor = (first.raw - second.raw) / apart
    error = np.hypot(np.hypot(first.raw_se, first.bias_se), np.hypot(second.raw_se, second.bias_se)) / abs(apart)
    return float((factor - 1) / np.hypot(error, prior_sd))


def loosened(level: Level) -> Level:
    """The level of hotter chains, with what it may be off the line by in its error."""
    return level._replace(raw_se=float(np.hypot(level.raw_se, NONLINEARITY * level.bias)))


def expected_sd(prior_sd: float, hot: Level, bias: float, error: float) -> float:
    """Returns the standard deviation of c that two levels leave, before the second is sampled.

    Args:
        prior_sd: Standard deviation of c without levels, without unit.
        hot: The first level.
        bias: Predicted bias of the second, nats.
        error: Standard error of the second, nats.
    """
    if hot.bias <= bias:
        return prior_sd
    measured = np.linalg.norm([hot.raw_se, hot.bias_se, error]) / (hot.bias - bias)
    return float(prior_sd * measured / np.hypot(prior_sd, measured))
