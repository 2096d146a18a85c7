"""Normal errors whose scale depends on the input.

y = f(x) + scale (1 + slope |x|) e,    e ~ N(0, I)
"""

from typing import TYPE_CHECKING, Literal

from llcray.likelihoods import HeteroscedasticLikelihood, Likelihood
from llcray.likelihoods.heteroscedastic import scale_at
from llcray.noise.corruption import NoiseVariant
from llcray.variant import NonNegativeFloat, PositiveFloat

if TYPE_CHECKING:
    import numpy as np

    from llcray.data import Task


class HeteroscedasticNoise(NoiseVariant):
    """Normal errors that grow with the input.

    Attributes:
        scale: Standard deviation of an error at x = 0.
        slope: Relative growth of the standard deviation per unit of |x|, the Euclidean norm.
    """

    kind: Literal["heteroscedastic"] = "heteroscedastic"
    scale: PositiveFloat = 0.1
    slope: NonNegativeFloat = 0.5

    def corrupt(self, rng: "np.random.Generator", x: "np.ndarray", y: "np.ndarray", num_outputs: int) -> "np.ndarray":
        del num_outputs
        return y + scale_at(x, self.scale, self.slope)[:, None] * rng.standard_normal(y.shape)

    def likelihood(self, task: "Task") -> Likelihood:
        del task
        return HeteroscedasticLikelihood(scale=self.scale, slope=self.slope)
