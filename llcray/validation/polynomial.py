"""Targets with a polynomial loss, whose coefficients make w* a minimum, a saddle, a slope, a wall or a needle."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from llcray.array_types import PyTree
from llcray.targets.target import Target


@dataclass(frozen=True)
class PolynomialLoss:
    """The loss of a polynomial in z = w - w*; a batch is `{"terms": (batch, 4, d)}`, which holds w*, a, b and c.

    loss = sum_i a_i z_i + b_i z_i^2/2 + c_i z_i^4
    """

    def __call__(self, params: PyTree, batch: PyTree) -> jax.Array:
        """Losses of the examples of a batch."""
        terms = batch["terms"].astype(params.dtype)
        z = params - terms[:, 0]
        return jnp.sum(terms[:, 1] * z + 0.5 * terms[:, 2] * z**2 + terms[:, 3] * z**4, axis=1)


def polynomial(
    slopes: Sequence[float], curvatures: Sequence[float], quartic: Sequence[float], center: float, num_data: int
) -> Target:
    """The target of `PolynomialLoss` whose examples are all the same.

    Args:
        slopes: Coefficients a_i.
        curvatures: Coefficients b_i.
        quartic: Coefficients c_i.
        center: Value of every coordinate of w*.
        num_data: Number of examples n.
    """
    params = np.full(len(slopes), center)
    terms = np.stack([params, np.array(slopes), np.array(curvatures), np.array(quartic)])
    return Target(params, PolynomialLoss(), {"terms": np.broadcast_to(terms, (num_data, *terms.shape))})
