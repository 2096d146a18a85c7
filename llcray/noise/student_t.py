"""Student-t noise, independent in each output.

y = f(x) + scale e,    e ~ t_nu
"""

from typing import TYPE_CHECKING, Literal

from llcray.likelihoods import Likelihood, StudentTLikelihood
from llcray.noise.corruption import NoiseVariant
from llcray.variant import PositiveFloat

if TYPE_CHECKING:
    import numpy as np

    from llcray.data import Task


class StudentTNoise(NoiseVariant):
    """Errors with the heavy tails of Student's t.

    Attributes:
        scale: Scale of an error (the standard deviation is scale sqrt(nu/(nu-2)) for nu > 2).
        degrees_of_freedom: nu.
    """

    kind: Literal["student_t"] = "student_t"
    scale: PositiveFloat = 0.1
    degrees_of_freedom: PositiveFloat = 3.0

    def corrupt(self, rng: "np.random.Generator", x: "np.ndarray", y: "np.ndarray", num_outputs: int) -> "np.ndarray":
        del x, num_outputs
        return y + self.scale * rng.standard_t(self.degrees_of_freedom, y.shape)

    def likelihood(self, task: "Task") -> Likelihood:
        del task
        return StudentTLikelihood(scale=self.scale, degrees_of_freedom=self.degrees_of_freedom)
