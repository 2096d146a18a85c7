"""Gaussian likelihood of k outputs.

-log p(y | f) = |y - f|^2 / (2 scale^2) + k log(scale sqrt(2 pi))
"""

import math
from typing import TYPE_CHECKING, Any, Literal

from llcray.likelihoods.likelihood import LikelihoodVariant, constant
from llcray.variant import PositiveFloat

if TYPE_CHECKING:
    import numpy as np


class GaussianLikelihood(LikelihoodVariant):
    """Independent normal errors of one scale.

    Attributes:
        scale: Standard deviation of an error.
    """

    kind: Literal["gaussian"] = "gaussian"
    scale: PositiveFloat = 1.0

    def coefficients(self, x: "np.ndarray") -> "np.ndarray":
        """The scale of each example, shape (n, 1)."""
        return constant(x, self.scale)

    @classmethod
    def nll(cls, outputs: Any, y: Any, coefficients: Any) -> Any:
        import jax.numpy as jnp

        scale = coefficients[:, 0]
        squared = jnp.sum(((y - outputs) / scale[:, None]) ** 2, axis=-1)
        return 0.5 * squared + outputs.shape[-1] * (jnp.log(scale) + 0.5 * math.log(2 * math.pi))
