"""The volume around w*, by integrals along random rays.

    int f(w) p(w) dw = const E_u [ int r^(d-1) f(w* + r A^(-1/2) u) p(w* + r A^(-1/2) u) dr ],    u uniform on a sphere

A is the precision of Laplace's approximation at w* (`llcray.samplers.laplace`): a preconditioner, under which rays are
alike where the loss is nearly quadratic. The inner integral of a ray is its importance weight, so that rays target
exp(-n beta L_n(w) - gamma/2 |w - w*|^2); Pareto k-hat says whether few rays hold the whole volume. The same rays give

    V(epsilon) = int 1[L_n(w) - L_n(w*) < epsilon] exp(-gamma/2 |w - w*|^2) dw

over a ladder of epsilon, whose slope, d log V/d log epsilon, tends to the learning coefficient as epsilon falls. A draw
is the mean over one ray. Losses are full and in float64. The localization must be positive.

Reference: Scherlis & Belrose 2025, Estimating the probability of sampling a trained neural network at random (arXiv
2501.18812): preconditioned rays; Watanabe 2009, Algebraic Geometry and Statistical Learning Theory, theorem 7.1: slope.
"""

from typing import ClassVar, Literal

from llcray.samplers.kernel import Kernel
from llcray.samplers.weighted import CurvatureSampler

NUM_COARSE, NUM_FINE = 16, 32
LOWEST, HIGHEST = -6.0, 3.0
"""Ends of the coarse grid of a ray, as log of r over the root of d."""
RAY_GRADIENTS = (NUM_COARSE + NUM_FINE) / 3
"""Cost of the losses of a ray, in full-data-equivalent gradients."""
NUM_RUNGS = 8
"""Rungs of the ladder of epsilon, each half of the one before."""


class LocalVolume(CurvatureSampler):
    """Volumes along preconditioned random rays.

    Attributes:
        rank: Hessian-vector products, at 2 gradients each, of the preconditioner; all d where d is smaller.
    """

    draws_are_means: ClassVar[bool] = True
    integration_error: ClassVar[float] = 1e-3

    kind: Literal["local_volume"] = "local_volume"

    def gradients_per_step(self, num_data: int) -> float:
        """Returns the cost of a ray."""
        del num_data
        return RAY_GRADIENTS

    def build(self) -> Kernel:
        return _build(self.rank)


def _build(rank: int) -> Kernel:
    import jax
    import jax.numpy as jnp

    from llcray.posterior.lanczos import whitened
    from llcray.samplers.proposal import DrawState, draw_info, fit_curvatures, proposal_kernel
    from llcray.samplers.rays import integrate_ray

    def adapt(rng_key, state, posterior, hyper, num_steps):
        del num_steps
        fitted, num_gradients = fit_curvatures(rng_key, posterior, rank)
        curvatures = fitted["curvatures"]
        quadratic = 0.5 * jnp.sum(curvatures / (curvatures + posterior.localization))
        largest = 2 * jnp.maximum(quadratic, 1) / posterior.n_beta
        ladder = largest * 0.5 ** jnp.arange(NUM_RUNGS)
        return state, hyper | fitted | {"ladder": ladder}, num_gradients

    def step(rng_key, state, posterior, hyper):
        del state
        noise = jax.random.normal(rng_key, posterior.center.shape, posterior.center.dtype)
        direction = whitened(noise / jnp.linalg.norm(noise), hyper["vectors"], hyper["curvatures"], posterior)
        num_params = posterior.num_sampled_params

        def losses(log_radii):
            return jax.lax.map(lambda s: posterior.centered_loss(posterior.center + jnp.exp(s) * direction), log_radii)

        grid = 0.5 * jnp.log(num_params) + jnp.linspace(LOWEST, HIGHEST, NUM_COARSE)
        ray = integrate_ray(losses, grid, NUM_FINE, num_params, jnp.sum(direction**2), posterior, hyper["ladder"])
        position = posterior.center + ray.radius * direction
        state = DrawState(position, ray.centered_loss, ray.log_weight, ray.log_volumes)
        return state, draw_info(RAY_GRADIENTS, jnp.asarray(num_params))

    return proposal_kernel(step, adapt, NUM_RUNGS)
