"""The noise of minibatch gradients at a chain's position: its variance, and the part of it that the loss sees."""

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key

from llcray.array_types import Array
from llcray.posterior.density import Posterior
from llcray.posterior.lanczos import tridiagonal
from llcray.samplers.kernel import GRADIENTS_PER_PRODUCT
from llcray.samplers.stochastic_gradient import random_batch
from llcray.sampling.budget import HESSIAN_EXAMPLES

NUM_PAIRS = 4
# Two batches a pair, each at the position and at w*.
BATCH_GRADIENTS = 4 * NUM_PAIRS
NUM_QUADRATURE_STEPS = 8


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
    projected = tridiagonal(lambda v: jax.jvp(gradient, (position,), (v,))[1], noise, NUM_QUADRATURE_STEPS)
    curvatures, vectors = jnp.linalg.eigh(projected)
    curvatures = jnp.maximum(curvatures, 0)
    seen = curvatures / (curvatures + posterior.localization)
    squared = jnp.sum(noise**2)
    return jnp.stack([squared, squared * jnp.sum(vectors[0] ** 2 * seen)])


def seen_noise_gradients(num_data: int, batch_size: int) -> float:
    """Work of `seen_noise` at one position, full-data equivalents."""
    products = NUM_QUADRATURE_STEPS * GRADIENTS_PER_PRODUCT * min(1.0, HESSIAN_EXAMPLES / num_data)
    return products + 4 * min(1.0, batch_size / num_data)
