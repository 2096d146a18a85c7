"""The standard error of an estimate, put together from three parts.

    llc_sampling_se^2 = llc_mcse^2 + step_size_bias_se^2
    llc_se^2 = llc_sampling_se^2 + localization_se^2

* `llc_mcse` is the Monte Carlo error. Where a predicted step-size bias was subtracted from the estimate, the noise of
  that prediction is included.
* `step_size_bias_se` is the uncertainty that the step size causes. Where a bias was subtracted, it is the standard
  error of that bias, from the evidence it rests on (`llcray.llc.step_bias`). Where the predicted bias was left in the
  estimate, it is the whole prediction. Where the sampler cannot predict its bias, it is 0.
* `localization_se` is |d lambda / d log gamma|: to first order what the limit gamma -> 0 would change. It is that of
  the quadratic approximation at w* where this describes the draws, and else that part of a covariance of the draws
  which its noise does not explain (`llcray.llc.localization`). Leave this part out where gamma is part of the question:
  when samplers are compared at one gamma, or when an estimate is compared with the exact value at its gamma.

A 95% interval reaches 1.96 llc_se to either side of the estimate. The error due to the finite temperature is not
included (see `llcray.llc.extrapolation`).
"""

import math
from typing import NamedTuple


class ErrorParts(NamedTuple):
    """The parts of an estimate's standard error, in nats; the module's docstring defines each.

    Attributes:
        mcse: Monte Carlo error.
        step_size: Uncertainty that the step size causes.
        localization: First-order effect of the localization, with its own standard error.
    """

    mcse: float
    step_size: float
    localization: float

    @property
    def sampling(self) -> float:
        """The error at the run's own gamma: Monte Carlo error and step size; NaN where the former is NaN."""
        return math.hypot(self.mcse, self.step_size)

    @property
    def total(self) -> float:
        """The root of the sum of squares of the parts; NaN where the Monte Carlo error is NaN."""
        return math.hypot(*self)


def error_parts(mcse: float, step_size_error: float, localization_error: float) -> ErrorParts:
    """The parts of an estimate's standard error.

    Args:
        mcse: Monte Carlo standard error, nats.
        step_size_error: Standard error of a subtracted bias, or the size of a bias that was left in, nats; NaN where
            the sampler cannot predict its bias.
        localization_error: What the localization could move, nats; NaN where it is not known.
    """
    return ErrorParts(mcse, _zero_unless_finite(step_size_error), _zero_unless_finite(localization_error))


def _zero_unless_finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
