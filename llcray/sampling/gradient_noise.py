"""The noise of minibatch gradients at a chain's position, plain and with control variates."""

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key

from llcray.posterior.density import Posterior
from llcray.samplers.stochastic_gradient import random_batch
from llcray.types import Array

NUM_PAIRS = 4
# Two batches a pair, each at the position and at w*.
BATCH_GRADIENTS = 4 * NUM_PAIRS


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
