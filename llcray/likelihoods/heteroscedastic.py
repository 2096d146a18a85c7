"""Gaussian likelihood whose scale grows with the input.

scale(x) = scale (1 + slope |x|)
"""

from typing import TYPE_CHECKING, Any, Literal

from llcray.likelihoods.gaussian import GaussianLikelihood
from llcray.likelihoods.likelihood import LikelihoodVariant
from llcray.variant import NonNegativeFloat, PositiveFloat

if TYPE_CHECKING:
    import numpy as np


def scale_at(x: "np.ndarray", scale: float, slope: float) -> "np.ndarray":
    """The scale at each input, scale (1 + slope |x|) with the Euclidean norm |x|, shape (n,)."""
    import numpy as np

    return scale * (1 + slope * np.linalg.norm(x.reshape(len(x), -1), axis=1))


class HeteroscedasticLikelihood(LikelihoodVariant):
    """Independent normal errors of a scale that depends on the input.

    Attributes:
        scale: Standard deviation of an error at x = 0.
        slope: Relative growth of the standard deviation per unit of |x|.
    """

    kind: Literal["heteroscedastic"] = "heteroscedastic"
    scale: PositiveFloat
    slope: NonNegativeFloat

    def coefficients(self, x: "np.ndarray") -> "np.ndarray":
        """The scale at each input, shape (n, 1)."""
        return scale_at(x, self.scale, self.slope)[:, None]

    @classmethod
    def nll(cls, outputs: Any, y: Any, coefficients: Any) -> Any:
        return GaussianLikelihood.nll(outputs, y, coefficients)
