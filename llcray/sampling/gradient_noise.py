"""How noisy minibatch gradients are where a chain is, plain and with control variates."""

import jax
import jax.numpy as jnp

from llcray.posterior.density import Posterior
from llcray.samplers.stochastic_gradient import random_batch
from llcray.types import Array

NUM_PAIRS = 4
# Two batches a pair, each at the position and at w*.
BATCH_GRADIENTS = 4 * NUM_PAIRS


def gradient_noise(rng_key: Array, posterior: Posterior, position: Array, batch_size: int) -> Array:
    """Variance of a minibatch gradient of L_n, summed over coordinates: of the plain one and of g(w) - g(w*) + mean.

    Heat is proportional to it (`llcray.samplers.baoab`). From pairs of independent batches, |g_1 - g_2|^2/2.

    Args:
        rng_key: Chooses the batches.
        posterior: The posterior.
        position: Shape (d,).
        batch_size: Examples per minibatch.

    Returns:
        Shape (2,), nats^2 per unit of w^2.
    """

    def gradients(key: Array) -> tuple[Array, Array]:
        batch = random_batch(key, posterior.data, batch_size)
        here = jax.grad(posterior.minibatch_loss)(position, batch)
        return here, here - jax.grad(posterior.minibatch_loss)(posterior.center, batch)

    def pair(key: Array) -> Array:
        first, second = (gradients(half) for half in jax.random.split(key))
        return jnp.stack([0.5 * jnp.sum((a - b) ** 2) for a, b in zip(first, second, strict=True)])

    return jnp.mean(jax.lax.map(pair, jax.random.split(rng_key, NUM_PAIRS)), axis=0)
