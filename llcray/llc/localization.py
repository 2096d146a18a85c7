"""Sensitivity of the estimate to the localization, from the draws at one gamma."""

from typing import NamedTuple

import numpy as np

from llcray.llc.summary import standard_error


class Sensitivity(NamedTuple):
    """The derivative d lambda / d log gamma and its standard error, nats.

    The distance |w - w*|^2 mixes far more slowly than the loss, so the standard error is often as large as the value.
    """

    value: float
    se: float


def localization_sensitivity(raw: np.ndarray, squared_distance: np.ndarray, localization: float) -> Sensitivity:
    """The derivative of lambda by the logarithm of the localization, with t = n beta.

        d lambda / d log gamma = -gamma/2 Cov(t L, |w - w*|^2)

    Args:
        raw: t (L - L*), shape (chain, draw), nats.
        squared_distance: |w - w*|^2, same shape.
        localization: gamma.
    """
    if raw.size == 0:
        return Sensitivity(float("nan"), float("nan"))
    products = -0.5 * localization * (raw - raw.mean()) * (squared_distance - squared_distance.mean())
    return Sensitivity(float(products.mean()), standard_error(products))
