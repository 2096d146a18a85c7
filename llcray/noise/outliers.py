"""Outliers: in each output, s is `outlier_scale` with probability `fraction`, and else `scale`.

y = f(x) + s e,    e ~ N(0, I)
"""

from typing import TYPE_CHECKING, Literal

from llcray.likelihoods import GaussianMixtureLikelihood, Likelihood
from llcray.likelihoods.gaussian_mixture import OpenFraction
from llcray.noise.corruption import NoiseVariant
from llcray.variant import PositiveFloat

if TYPE_CHECKING:
    import numpy as np

    from llcray.data import Task


class OutlierNoise(NoiseVariant):
    """Normal errors, some of which are large.

    Attributes:
        scale: Standard deviation of an ordinary error.
        fraction: Probability that an output is an outlier, in (0, 1).
        outlier_scale: Standard deviation of an outlier's error.
    """

    kind: Literal["outliers"] = "outliers"
    scale: PositiveFloat = 0.1
    fraction: OpenFraction = 0.05
    outlier_scale: PositiveFloat = 1.0

    def corrupt(self, rng: "np.random.Generator", x: "np.ndarray", y: "np.ndarray", num_outputs: int) -> "np.ndarray":
        import numpy as np

        del x, num_outputs
        scales = np.where(rng.random(y.shape) < self.fraction, self.outlier_scale, self.scale)
        return y + scales * rng.standard_normal(y.shape)

    def likelihood(self, task: "Task") -> Likelihood:
        del task
        return GaussianMixtureLikelihood(scale=self.scale, fraction=self.fraction, outlier_scale=self.outlier_scale)
