"""A loss whose shape at w* its arguments choose: a minimum, a saddle, a slope, a wall, a needle."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from llcray.targets.target import Target
from llcray.types import PyTree


@dataclass(frozen=True)
class PolynomialLoss:
    """sum_i a_i z_i + b_i z_i^2/2 + c_i z_i^4, z = w - w*; a batch is `{"terms": (batch, 4, d)}`: w*, a, b, c."""

    def __call__(self, params: PyTree, batch: PyTree) -> jax.Array:
        """Losses of the examples of a batch."""
        terms = batch["terms"].astype(params.dtype)
        z = params - terms[:, 0]
        return jnp.sum(terms[:, 1] * z + 0.5 * terms[:, 2] * z**2 + terms[:, 3] * z**4, axis=1)


def polynomial(
    slopes: Sequence[float], curvatures: Sequence[float], quartic: Sequence[float], center: float, num_data: int
) -> Target:
    """A target of `PolynomialLoss`, every example the same.

    Args:
        slopes: a_i.
        curvatures: b_i.
        quartic: c_i.
        center: Every coordinate of w*.
        num_data: n.
    """
    params = np.full(len(slopes), center)
    terms = np.stack([params, np.array(slopes), np.array(curvatures), np.array(quartic)])
    return Target(params, PolynomialLoss(), {"terms": np.broadcast_to(terms, (num_data, *terms.shape))})
