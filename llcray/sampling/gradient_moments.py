"""Second moments of minibatch gradients along a chain, which a mass is made of (`llcray.sampling.mass`)."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key

from llcray.array_types import Array
from llcray.posterior.coordinates import Block
from llcray.posterior.density import Posterior
from llcray.samplers.kernel import Hyper, Kernel, State
from llcray.samplers.stochastic_gradient import random_batch

MAX_SIDE = 1024
"""Longest side of a matrix whose products with itself are taken."""


def sides_of(block: Block) -> tuple[int, int]:
    """Returns the lengths of the sides that a block has moments for; 0 for a side that is 1 or too long."""
    if not block.is_matrix:
        return 0, 0
    rows, columns = (side if side <= MAX_SIDE else 0 for side in (block.rows, block.columns))
    return rows, columns


def gradient_moments(
    kernel: Kernel,
    num_samples: int,
    steps_between: int,
    num_before: int,
    batch_size: int,
    blocks: tuple[Block, ...],
    rng_key: Key[Array, ""],
    state: State,
    posterior: Posterior,
    hyper: Hyper,
) -> tuple[State, Float[Array, " moments"]]:
    """Advances a chain and averages moments of the gradient g of n beta L_B, B a minibatch, at its positions.

    Args:
        kernel: The sampler, built.
        num_samples: Number of gradients.
        steps_between: Steps from one gradient to the next.
        num_before: Steps before the first of them.
        batch_size: Examples per gradient.
        blocks: Blocks G of g whose E[G G'] and E[G' G] are wanted too.
        rng_key: Key of the steps and the batches.
        state: State of the chain.
        posterior: The posterior, in the coordinates of w.
        hyper: The sampler's numbers.

    Returns:
        The state, and one vector: E[g^2], shape (d,), and then, for each block, E[G G'] and E[G' G], flattened, of the
        sides that `sides_of` names.
    """

    def moments_of(gradient: Array) -> Array:
        parts = [gradient**2]
        for block in blocks:
            matrix = gradient[block.place].reshape(block.rows, block.columns)
            rows, columns = sides_of(block)
            parts += [(matrix @ matrix.T).reshape(-1)] if rows else []
            parts += [(matrix.T @ matrix).reshape(-1)] if columns else []
        return jnp.concatenate(parts)

    def step(index: Array, carry: tuple[Array, State]) -> tuple[Array, State]:
        key, state = carry
        return key, kernel.step(jax.random.fold_in(key, index), state, posterior, hyper)[0]

    def sample(index: Array, carry: tuple[State, Array]) -> tuple[State, Array]:
        state, total = carry
        key = jax.random.fold_in(rng_key, index)
        _, state = jax.lax.fori_loop(0, steps_between, step, (key, state))
        batch = random_batch(jax.random.fold_in(key, steps_between), posterior.data, batch_size)
        position = kernel.position(state, posterior, hyper)
        gradient = posterior.n_beta * jax.grad(posterior.minibatch_loss)(position, batch)
        return state, total + moments_of(gradient) / num_samples

    size = posterior.center.shape[0] + sum(side**2 for block in blocks for side in sides_of(block))
    _, state = jax.lax.fori_loop(0, num_before, step, (jax.random.fold_in(rng_key, num_samples), state))
    start: Any = (state, jnp.zeros(size, posterior.center.dtype))
    return jax.lax.fori_loop(0, num_samples, sample, start)
