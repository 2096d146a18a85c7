"""The largest curvature of n beta L_n: what step sizes, scales and the localization are measured against."""

from functools import partial

import jax
import jax.numpy as jnp

from llcray.posterior.density import Posterior
from llcray.sampling.program import Program
from llcray.types import Array

NUM_LANCZOS_STEPS = 10
# A Hessian-vector product costs about two gradients, a loss about a third of one.
GRADIENTS_PER_PRODUCT = 2.0
NUM_RADII = 32
DEGENERATE = 1e-3
CURVATURE_GRADIENTS = NUM_LANCZOS_STEPS * GRADIENTS_PER_PRODUCT
SCALE_GRADIENTS = 2 * CURVATURE_GRADIENTS + NUM_RADII / 3


def largest_curvature(rng_key: Array, posterior: Posterior, position: Array) -> Array:
    """Largest eigenvalue of the Hessian of n beta L_n at `position`, by Lanczos with full reorthogonalisation.

    Args:
        rng_key: Chooses the start vector.
        posterior: The posterior; its localization does not enter.
        position: Shape (d,).

    Returns:
        The largest Ritz value after NUM_LANCZOS_STEPS products, a lower bound, usually tight to a few percent.

    Reference:
        Golub & Van Loan 2013, Matrix Computations, 10.1.
    """
    gradient = jax.grad(lambda w: posterior.n_beta * posterior.loss(w).astype(w.dtype))

    def product(vector: Array) -> Array:
        return jax.jvp(gradient, (position,), (vector,))[1]

    num_steps = min(NUM_LANCZOS_STEPS, position.shape[0])
    start = jax.random.normal(rng_key, position.shape, position.dtype)
    basis = jnp.zeros((num_steps, *position.shape), position.dtype)

    def step(i: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        basis, images, vector = carry
        vector = vector - basis.T @ (basis @ vector)
        vector = vector - basis.T @ (basis @ vector)
        norm = jnp.linalg.norm(vector)
        vector = jnp.where(norm > 0, vector / jnp.where(norm > 0, norm, 1), 0)
        image = product(vector)
        return basis.at[i].set(vector), images.at[i].set(image), image

    basis, images, _ = jax.lax.fori_loop(0, num_steps, step, (basis, jnp.zeros_like(basis), start))
    projected = basis @ images.T
    return jnp.linalg.eigvalsh(0.5 * (projected + projected.T))[-1]


def posterior_curvature(rng_key: Array, posterior: Posterior) -> Array:
    """The curvature scale of n beta L_n near w*: positive also where the Hessian at w* vanishes.

    The largest eigenvalue at w*. Where that is degenerate, below DEGENERATE of what is found further out, the largest
    eigenvalue at the distance, along a random direction, at which n beta (L - L*) first exceeds one: such a minimum is
    flat at w* but not where the posterior has its mass.
    """
    direction_key, center_key, outer_key = jax.random.split(rng_key, 3)
    center = posterior.center
    direction = jax.random.normal(direction_key, center.shape, center.dtype)
    direction = direction / jnp.linalg.norm(direction)
    radii = jnp.logspace(-6, 3, NUM_RADII, dtype=center.dtype)
    rise = posterior.n_beta * jax.lax.map(lambda r: posterior.centered_loss(center + r * direction), radii)
    radius = radii[jnp.argmax(jnp.append((rise > 1) | ~jnp.isfinite(rise), True)[:NUM_RADII])]
    radius = jnp.where(jnp.any(rise > 1), radius, radii[-1])
    at_center = largest_curvature(center_key, posterior, center)
    further_out = largest_curvature(outer_key, posterior, center + radius * direction)
    candidates = jnp.stack([at_center, further_out, 1 / radius**2])
    largest = jnp.max(jnp.where(jnp.isfinite(candidates), candidates, 0))
    return jnp.where(at_center > DEGENERATE * largest, at_center, largest)


def _at_center_all(posterior: Posterior) -> Array:
    return jax.vmap(partial(posterior_curvature, jax.random.key(0)))(posterior)


# scale((), posterior (run, ...)) -> (run,); every run of a target gets the same number
scale = Program(_at_center_all)
