"""Errors that are normal and of one scale.

y = f(x) + scale e,    e ~ N(0, I)
"""

from typing import TYPE_CHECKING, Literal

from llcray.likelihoods import GaussianLikelihood, Likelihood
from llcray.noise.corruption import NoiseVariant
from llcray.variant import PositiveFloat

if TYPE_CHECKING:
    import numpy as np

    from llcray.data import Task


class GaussianNoise(NoiseVariant):
    """Independent normal errors.

    Attributes:
        scale: Standard deviation of an error.
    """

    kind: Literal["gaussian"] = "gaussian"
    scale: PositiveFloat = 0.1

    def corrupt(self, rng: "np.random.Generator", x: "np.ndarray", y: "np.ndarray", num_outputs: int) -> "np.ndarray":
        del x, num_outputs
        return y + self.scale * rng.standard_normal(y.shape)

    def likelihood(self, task: "Task") -> Likelihood:
        del task
        return GaussianLikelihood(scale=self.scale)
