"""The largest curvature of n beta L_n, which step sizes, scales and the localization are measured against."""

from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key

from llcray.array_types import Array, PyTree
from llcray.posterior.density import Posterior
from llcray.posterior.lanczos import tridiagonal
from llcray.samplers.stochastic_gradient import random_batch
from llcray.sampling.budget import HESSIAN_EXAMPLES, NUM_LANCZOS_STEPS, NUM_RADII
from llcray.sampling.once_a_target import once_a_target
from llcray.sampling.program import Program

# Curvature at w*, as a share of the curvature further out, below which w* is degenerate.
DEGENERATE = 1e-3


def largest_curvature(
    rng_key: Key[Array, ""], posterior: Posterior, position: Float[Array, " d"], examples: PyTree | None = None
) -> Float[Array, ""]:
    """Returns the largest eigenvalue of the Hessian of n beta L_n at `position`, by fully reorthogonalised Lanczos.

    Args:
        rng_key: Key of the start vector.
        posterior: The posterior; its localization does not enter.
        position: Shape (d,).
        examples: The examples whose mean loss stands for L_n; None: all.

    Returns:
        The largest Ritz value after NUM_LANCZOS_STEPS products, in 1/w^2: a lower bound, usually tight to a few
        percent.

    Reference:
        Golub & Van Loan 2013, Matrix Computations, 10.1.
    """

    def potential(w: Array) -> Array:
        loss = posterior.loss(w) if examples is None else posterior.minibatch_loss(w, examples)
        return posterior.n_beta * loss.astype(w.dtype)

    def product(vector: Array) -> Array:
        return jax.jvp(jax.grad(potential), (position,), (vector,))[1]

    start = jax.random.normal(rng_key, position.shape, position.dtype)
    return jnp.linalg.eigvalsh(tridiagonal(product, start, NUM_LANCZOS_STEPS))[-1]


def chain_curvature(rng_key: Key[Array, ""], posterior: Posterior, position: Float[Array, " d"]) -> Float[Array, ""]:
    """Returns `largest_curvature` on at most `HESSIAN_EXAMPLES` examples, no smaller on average than on all."""
    examples = random_batch(jax.random.fold_in(rng_key, 1), posterior.data, HESSIAN_EXAMPLES)
    return largest_curvature(rng_key, posterior, position, examples)


def posterior_curvature(rng_key: Key[Array, ""], posterior: Posterior) -> Float[Array, ""]:
    """Returns the curvature scale of n beta L_n near w*, positive also where the Hessian at w* vanishes.

    The scale is the largest eigenvalue of the Hessian at w*, unless w* is degenerate: flat at w* itself, but not where
    the posterior has its mass. Then the scale is the largest eigenvalue further out: at the distance from w*, along a
    random direction, at which n beta (L - L*) first exceeds one.

    Args:
        rng_key: Key of the direction and the start vectors.
        posterior: The posterior; its localization does not enter.
    """
    direction_key, center_key, outer_key = jax.random.split(rng_key, 3)
    center = posterior.center
    direction = jax.random.normal(direction_key, center.shape, center.dtype)
    direction = direction / jnp.linalg.norm(direction)
    radii = jnp.logspace(-6, 3, NUM_RADII, dtype=center.dtype)
    rise = posterior.n_beta * jax.lax.map(lambda r: posterior.centered_loss(center + r * direction), radii)
    radius = radii[jnp.argmax(jnp.append((rise > 1) | ~jnp.isfinite(rise), True)[:NUM_RADII])]
    radius = jnp.where(jnp.any(rise > 1), radius, radii[-1])
    # One loop over both places: what it does is compiled once.
    keys, places = jnp.stack([center_key, outer_key]), jnp.stack([center, center + radius * direction])
    at_center, further_out = jax.lax.map(lambda place: largest_curvature(place[0], posterior, place[1]), (keys, places))
    candidates = jnp.stack([at_center, further_out, 1 / radius**2])
    largest = jnp.max(jnp.where(jnp.isfinite(candidates), candidates, 0))
    return jnp.where(at_center > DEGENERATE * largest, at_center, largest)


def _over_runs(posteriors: Posterior) -> Array:
    return jax.vmap(partial(posterior_curvature, jax.random.key(0)))(posteriors)


# curvature_over_runs((), posterior (run, ...)) -> (run,); every run of a target gets the same number
curvature_over_runs = Program(_over_runs)


def curvature_scales(posteriors: Mapping[int, Posterior]) -> dict[int, float]:
    """Computes the curvature scales of many targets side by side, by index; every run of a target has the same scale.

    Args:
        posteriors: Posteriors in float64, one a run; runs of one target share their arrays and are computed once.
    """
    return {index: float(scale) for index, scale in once_a_target(curvature_over_runs, (), posteriors).items()}
