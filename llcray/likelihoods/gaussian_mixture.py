"""Likelihood with outliers: an error is N(0, outlier_scale^2) with probability `fraction`, and else N(0, scale^2).

-log p(y | f) = -sum_k log[(1 - fraction) N(y_k - f_k; scale) + fraction N(y_k - f_k; outlier_scale)]
"""

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from llcray.likelihoods.likelihood import LikelihoodVariant, constant
from llcray.variant import PositiveFloat

if TYPE_CHECKING:
    import numpy as np

OpenFraction = Annotated[float, Field(gt=0, lt=1)]


class GaussianMixtureLikelihood(LikelihoodVariant):
    """Independent errors of one of two scales.

    Attributes:
        scale: Standard deviation of an ordinary error.
        fraction: Probability that an output is an outlier, in (0, 1).
        outlier_scale: Standard deviation of an outlier's error.
    """

    kind: Literal["gaussian_mixture"] = "gaussian_mixture"
    scale: PositiveFloat
    fraction: OpenFraction
    outlier_scale: PositiveFloat

    def coefficients(self, x: "np.ndarray") -> "np.ndarray":
        """For each scale, the scale itself and the logarithm of its component's density at 0, shape (n, 4)."""
        half = 0.5 * math.log(2 * math.pi)
        ordinary = math.log1p(-self.fraction) - math.log(self.scale) - half
        outlier = math.log(self.fraction) - math.log(self.outlier_scale) - half
        return constant(x, self.scale, ordinary, self.outlier_scale, outlier)

    @classmethod
    def nll(cls, outputs: Any, y: Any, coefficients: Any) -> Any:
        import jax.numpy as jnp

        scale, ordinary, outlier_scale, outlier = (coefficients[:, column, None] for column in range(4))
        squared = (y - outputs) ** 2
        log_densities = jnp.logaddexp(
            ordinary - 0.5 * squared / scale**2,
            outlier - 0.5 * squared / outlier_scale**2,
        )
        return -jnp.sum(log_densities, axis=-1)
