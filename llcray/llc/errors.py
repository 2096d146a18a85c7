"""The error of an estimate, put together from its parts.

    llc_se^2 = llc_mcse^2 + step_size_bias_se^2 + localization_se^2

* `llc_mcse`: Monte Carlo, the noise of a subtracted step-size bias included.
* `step_size_bias_se`: of a subtracted prediction, a quarter of it: heat is an upper bound where gradient noise also
  heats directions flat in the loss. Of a bias that is predicted and left in, all of it. A bias that a sampler cannot
  predict counts as none.
* `localization_se`: |d lambda / d log gamma| and its standard error in quadrature: about what gamma -> 0 would change,
  to first order. Leave it out where gamma is part of the question: between samplers at one gamma, or beside an exact
  value at that gamma.

A 95% interval is 1.96 llc_se to either side. The finite temperature is not in it (see `llcray.llc.extrapolation`).
"""

import math
from typing import NamedTuple

from llcray.llc.localization import Sensitivity

# What a subtracted bias may be wrong by, as a share of it.
PREDICTION_ERROR = 0.25


class ErrorParts(NamedTuple):
    """Standard errors in nats; see the module."""

    mcse: float
    step_size: float
    localization: float

    @property
    def total(self) -> float:
        """All of them; NaN where the Monte Carlo error is."""
        return math.hypot(*self)


def error_parts(mcse: float, bias: float, is_subtracted: bool, sensitivity: Sensitivity) -> ErrorParts:
    """The parts of an estimate's error.

    Args:
        mcse: Monte Carlo standard error, nats.
        bias: Predicted step-size bias, nats; NaN if it cannot be.
        is_subtracted: Whether the estimate is free of that bias but for the error of its prediction.
        sensitivity: d lambda / d log gamma.
    """
    share = PREDICTION_ERROR if is_subtracted else 1.0
    return ErrorParts(mcse, share * _known(abs(bias)), math.hypot(*map(_known, sensitivity)))


def _known(value: float) -> float:
    return value if math.isfinite(value) else 0.0
