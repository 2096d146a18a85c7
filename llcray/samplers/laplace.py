"""Laplace's approximation at w*, corrected by importance weights.

    q = N(w*, A^-1),    A = sum_i max(h_i, 0) v_i v_i' + gamma I

h_i and v_i are the leading eigenpairs of the Hessian of n beta L_n at w*. Draws of q are weighted by p/q and so target
exp(-n beta L_n(w) - gamma/2 |w - w*|^2); Pareto k-hat says whether the weights can be trusted. Curvatures are full and
in float64. The localization must be positive.

Without weights the LLC would be that of the quadratic approximation, `llc_quadratic`.

Reference: Tierney & Kadane 1986, Accurate approximations for posterior moments and marginal densities, JASA 81;
weights: Vehtari et al. 2024 (arXiv 1507.02646); Lanczos: Golub & Van Loan 2013, Matrix Computations, 10.1.
"""

from typing import Literal

from llcray.samplers.kernel import Kernel
from llcray.samplers.weighted import CurvatureSampler


class Laplace(CurvatureSampler):
    """A Gaussian at w* of the Hessian's leading curvatures, with importance weights.

    Attributes:
        rank: Hessian-vector products, at 2 gradients each, and curvatures of the Gaussian; all d where d is smaller.
            In directions beyond them the Gaussian is as wide as the localization alone lets it be.
    """

    kind: Literal["laplace"] = "laplace"

    def build(self) -> Kernel:
        return _build(self.rank)


def _build(rank: int) -> Kernel:
    import jax
    import jax.numpy as jnp

    from llcray.posterior.lanczos import whitened
    from llcray.samplers.proposal import fit_curvatures, proposal_kernel, weighted_draw

    def adapt(rng_key, state, posterior, hyper, num_steps):
        del num_steps
        fitted, num_gradients = fit_curvatures(rng_key, posterior, rank)
        return state, hyper | fitted, num_gradients

    def step(rng_key, state, posterior, hyper):
        del state
        noise = jax.random.normal(rng_key, posterior.center.shape, posterior.center.dtype)
        offset = whitened(noise, hyper["vectors"], hyper["curvatures"], posterior)
        return weighted_draw(posterior, offset, -0.5 * jnp.sum(noise**2))

    return proposal_kernel(step, adapt)
