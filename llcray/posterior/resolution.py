"""Whether float32 resolves a posterior: the positions of its chains, and the losses that their draws differ by."""

import math

import numpy as np

from llcray.posterior.density import Posterior

MAX_SPACING = 0.05
"""Spacing of float32 at a coordinate of w*, in units of the posterior's least width, from which steps are lost."""
MAX_ROUNDING = 1.0
"""Rounding of a loss, times n beta, in nats, from which the rise of the loss is lost in the loss itself."""
MAX_PARAMS = 10_000_000
"""Parameters from which chains stay in float32 all the same, since float64 would take twice the memory.

The verdict on their estimate is then `not_converged`.
"""


def unresolved(exact: Posterior, n_beta: float, curvature: float, loss_size: float) -> str | None:
    """Says what float32 cannot resolve of a posterior; None where it resolves all of it.

    A coordinate w_i is unresolved where the spacing of float32 there is notable beside the least width

        1 / sqrt(curvature)

    and losses are unresolved where their rounding, 2^-24 times their size, is notable beside 1 / (n beta).

    Args:
        exact: The posterior in float64.
        n_beta: n times the inverse temperature.
        curvature: Largest curvature of n beta L_n near w* and of the localization, in 1/w^2; NaN where unknown.
        loss_size: Mean size of the losses, nats.
    """
    sizes = np.abs(np.asarray(exact.center)).astype(np.float32)
    spacing = float(np.spacing(sizes.max(initial=0.0)))
    if math.isfinite(curvature) and spacing * math.sqrt(max(curvature, 0.0)) > MAX_SPACING:
        return (
            f"float32 has a spacing of {spacing:.2g} at the largest parameter, {sizes.max():.3g}, and the posterior is "
            f"{1 / math.sqrt(curvature):.2g} wide"
        )
    size = max(loss_size, abs(float(np.asarray(exact.loss_at_center))))
    if 2.0**-24 * size * n_beta > MAX_ROUNDING:
        return f"float32 rounds losses of {size:.3g} nats by {2.0**-24 * size * n_beta:.2g} nats at n beta {n_beta:.4g}"
    return None
