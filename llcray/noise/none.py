"""The absence of noise."""

from typing import TYPE_CHECKING, ClassVar, Literal

from llcray.likelihoods import CategoricalLikelihood, GaussianLikelihood, Likelihood
from llcray.noise.corruption import NoiseVariant

if TYPE_CHECKING:
    import numpy as np

    from llcray.data import Task


class NoNoise(NoiseVariant):
    """Labels as they are.

    The likelihood is categorical for classes and Gaussian of scale 1 for numbers. Exact labels have no scale of their
    own, so `likelihood: {kind: gaussian, scale: ...}` should say the resolution wanted.
    """

    kind: Literal["none"] = "none"
    tasks: ClassVar[tuple["Task", ...]] = ("regression", "classification")

    def corrupt(self, rng: "np.random.Generator", x: "np.ndarray", y: "np.ndarray", num_outputs: int) -> "np.ndarray":
        del rng, x, num_outputs
        return y

    def likelihood(self, task: "Task") -> Likelihood:
        return CategoricalLikelihood() if task == "classification" else GaussianLikelihood(scale=1.0)
