"""Student-t likelihood, whose scaled error r = (y - f)/scale is t_nu in each output.

-log p = (nu+1)/2 log(1 + r^2/nu) + log(scale) + 1/2 log(nu pi) + log Gamma(nu/2) - log Gamma((nu+1)/2)
"""

from typing import TYPE_CHECKING, Any, Literal

from llcray.likelihoods.likelihood import LikelihoodVariant, constant
from llcray.variant import PositiveFloat

if TYPE_CHECKING:
    import numpy as np


class StudentTLikelihood(LikelihoodVariant):
    """Independent heavy-tailed errors.

    Attributes:
        scale: Scale of an error (its standard deviation is scale sqrt(nu/(nu-2)) for nu > 2).
        degrees_of_freedom: nu.
    """

    kind: Literal["student_t"] = "student_t"
    scale: PositiveFloat
    degrees_of_freedom: PositiveFloat

    def coefficients(self, x: "np.ndarray") -> "np.ndarray":
        """The scale, nu and the logarithm of the density at 0, shape (n, 3)."""
        from math import lgamma, log, pi

        nu = self.degrees_of_freedom
        log_density_at_zero = lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * log(nu * pi) - log(self.scale)
        return constant(x, self.scale, nu, log_density_at_zero)

    @classmethod
    def nll(cls, outputs: Any, y: Any, coefficients: Any) -> Any:
        import jax.numpy as jnp

        scale, nu, log_density_at_zero = (coefficients[:, column, None] for column in range(3))
        errors = (y - outputs) / scale
        return jnp.sum((nu + 1) / 2 * jnp.log1p(errors**2 / nu) - log_density_at_zero, axis=-1)
