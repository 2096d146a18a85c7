"""The noise of minibatch gradients at a chain's position: its variance, and the part of it that the loss sees."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key

from llcray.array_types import Array
from llcray.posterior.density import Posterior
from llcray.posterior.lanczos import krylov, tridiagonal
from llcray.samplers.kernel import GRADIENTS_PER_PRODUCT
from llcray.samplers.stochastic_gradient import random_batch
from llcray.sampling.budget import HESSIAN_EXAMPLES

NUM_PAIRS = 4
# Two batches a pair, each at the position and at w*.
BATCH_GRADIENTS = 4 * NUM_PAIRS
NUM_QUADRATURE_STEPS = 8
ROUNDING = 1e-7
"""Eigenvalues below this share of the largest are rounding errors of float32."""


def gradient_noise(
    rng_key: Key[Array, ""], posterior: Posterior, position: Float[Array, " d"], batch_size: int
) -> Float[Array, "2"]:
    """Estimates the variance of a minibatch gradient of L_n, summed over coordinates.

    Each pair of independent batches gives |g_1 - g_2|^2/2, for plain gradients and for control variates. Heat is
    proportional to the variance (`llcray.samplers.baoab`).

    Args:
        rng_key: Key of the batches.
        posterior: The posterior.
        position: Shape (d,).
        batch_size: Examples per minibatch.

    Returns:
        Shape (2,), nats^2 per unit of w^2: plain, and with control variates.
    """

    def gradients(key: Array) -> tuple[Array, Array]:
        batch = random_batch(key, posterior.data, batch_size)
        plain = jax.grad(posterior.minibatch_loss)(position, batch)
        return plain, plain - jax.grad(posterior.minibatch_loss)(posterior.center, batch)

    def pair(key: Array) -> Array:
        first, second = (gradients(half) for half in jax.random.split(key))
        return jnp.stack([0.5 * jnp.sum((a - b) ** 2) for a, b in zip(first, second, strict=True)])

    return jnp.mean(jax.lax.map(pair, jax.random.split(rng_key, NUM_PAIRS)), axis=0)


def seen_noise(
    rng_key: Key[Array, ""],
    posterior: Posterior,
    position: Float[Array, " d"],
    batch_size: int,
    uses_control_variates: bool,
) -> Float[Array, "2"]:
    """Estimates the noise of a minibatch gradient of n beta L_n, and the part of it that the loss sees.

        E|xi|^2    and    E[xi' W xi],    W = f(H),    f(mu) = max(mu, 0)/(max(mu, 0) + gamma)

    xi is the difference of two batches' gradients over the root of 2, H the Hessian of n beta L_n on at most
    `HESSIAN_EXAMPLES` examples. The quadratic form is a Gauss quadrature by Lanczos from xi.

    Chains that move in coordinates u, w - w* = S u, feel the noise S' xi, the Hessian S' H S and the localization
    gamma S'S, which need not have the same eigenvectors. The covariance C that the noise adds to overdamped chains
    solves A C + C A ~ S' xi xi' S, and so W is the solution of

        A W + W A = 2 S' H S,    A = S' H S + gamma S'S;    for S = 1 it is f(H).

    Args:
        rng_key: Key of the batches.
        posterior: The posterior.
        position: Shape (d,).
        batch_size: Examples per minibatch.
        uses_control_variates: Whether the sampler's gradients have control variates.

    Returns:
        Shape (2,), both in 1/w^2.

    Reference:
        Golub & Meurant 2010, Matrices, Moments and Quadrature, chapter 6.
    """
    *batch_keys, hessian_key = jax.random.split(rng_key, 3)

    def batch_gradient(key: Array) -> Array:
        batch = random_batch(key, posterior.data, batch_size)
        plain = jax.grad(posterior.minibatch_loss)(position, batch)
        if not uses_control_variates:
            return plain
        return plain - jax.grad(posterior.minibatch_loss)(posterior.center, batch)

    first, second = (batch_gradient(key) for key in batch_keys)
    noise = posterior.n_beta * (first - second) / jnp.sqrt(2.0).astype(position.dtype)
    examples = random_batch(hessian_key, posterior.data, HESSIAN_EXAMPLES)
    gradient = jax.grad(lambda w: posterior.n_beta * posterior.minibatch_loss(w, examples).astype(w.dtype))

    def product(vector: Array) -> Array:
        return jax.jvp(gradient, (position,), (vector,))[1]

    squared = jnp.sum(noise**2)
    seen = _seen_share(product, noise, posterior)
    return jnp.stack([squared, squared * seen])


def _seen_share(product: Callable[[Array], Array], noise: Array, posterior: Posterior) -> Array:
    """Returns xi' W xi/|xi|^2 from products with S' H S."""
    if posterior.coordinates is None:
        curvatures, vectors = jnp.linalg.eigh(tridiagonal(product, noise, NUM_QUADRATURE_STEPS))
        curvatures = jnp.maximum(curvatures, 0)
        return jnp.sum(vectors[0] ** 2 * curvatures / (curvatures + posterior.localization))
    held = posterior.localization * posterior.coordinates.scale**2
    basis, projected = krylov(lambda v: product(v) + held * v, noise, NUM_QUADRATURE_STEPS)
    return lyapunov_form(projected, projected - (basis * held) @ basis.T, held.min())


def lyapunov_form(total: Float[Array, "m m"], part: Float[Array, "m m"], least: Float[Array, ""]) -> Float[Array, ""]:
    """Returns the first diagonal entry of W, A W + W A = 2 B, held between 0 and 1.

    Negative curvatures of B count as zero in B and in A, as in f(mu): the localization alone holds chains there.

    Args:
        total: A, symmetric.
        part: B, symmetric, no larger than A.
        least: Least eigenvalue of A where B is not negative.
    """
    curvatures, directions = jnp.linalg.eigh(part)
    positive = (directions * jnp.maximum(curvatures, 0)) @ directions.T
    total, part = total - part + positive, positive
    values, vectors = jnp.linalg.eigh(total)
    values = jnp.maximum(values, jnp.maximum(least, ROUNDING * values[-1]))
    solution = 2 * (vectors.T @ part @ vectors) / (values[:, None] + values)
    return jnp.clip(vectors[0] @ solution @ vectors[0], 0, 1)


def seen_noise_gradients(num_data: int, batch_size: int) -> float:
    """Work of `seen_noise` at one position, full-data equivalents."""
    products = NUM_QUADRATURE_STEPS * GRADIENTS_PER_PRODUCT * min(1.0, HESSIAN_EXAMPLES / num_data)
    return products + 4 * min(1.0, batch_size / num_data)
