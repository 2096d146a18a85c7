"""Minibatch gradients of the potential, shared by the stochastic-gradient samplers."""

from typing import Any

import jax
import jax.numpy as jnp

from llcray.posterior import Posterior

Array = Any


def random_batch(rng_key: Array, data: Any, batch_size: int) -> Any:
    """`batch_size` examples drawn uniformly with replacement; all of them, in order, when batch_size is n or more."""
    num_data = jax.tree.leaves(data)[0].shape[0]
    if batch_size >= num_data:
        return data
    indices = jax.random.randint(rng_key, (batch_size,), 0, num_data)
    return jax.tree.map(lambda x: x[indices], data)


def loss_gradient(rng_key: Array, position: Array, posterior: Posterior, batch_size: int) -> Array:
    """Unbiased estimate of the gradient of L_n, from one random batch; shape (d,)."""
    batch = random_batch(rng_key, posterior.data, batch_size)
    return jax.grad(posterior.minibatch_loss)(position, batch)


def logdensity_gradient(loss_gradient: Array, position: Array, posterior: Posterior) -> Array:
    """Gradient of log p from a gradient of L_n: -n beta g - gamma (w - w*)."""
    return -posterior.n_beta * loss_gradient - posterior.localization * (position - posterior.center)


def batch_share(posterior: Posterior, batch_size: int) -> Array:
    """Cost of one minibatch gradient in full-data-equivalent gradients."""
    return jnp.asarray(min(batch_size, posterior.num_data) / posterior.num_data, jnp.float32)
