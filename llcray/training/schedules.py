"""Schedules that the training loops share: the learning rate and the examples of each step."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from llcray.array_types import Array

# PyTorch's OneCycleLR starts at 1/25 of the largest rate and ends at 1/10,000 of its start.
FIRST_SHARE = 1 / 25
LAST_SHARE = FIRST_SHARE / 1e4


def learning_rate_at(schedule: str, learning_rate: Array, step: Array, num_steps: Array) -> Array:
    """The learning rate of a step; steps are counted from 0."""
    share = step / num_steps
    if schedule == "cosine":
        return learning_rate * 0.5 * (1 + jnp.cos(jnp.pi * share))
    if schedule == "one_cycle":
        rising = FIRST_SHARE + (1 - FIRST_SHARE) * 2 * share
        falling = LAST_SHARE + (1 - LAST_SHARE) * 2 * (1 - share)
        return learning_rate * jnp.where(share < 0.5, rising, falling)
    return learning_rate


def batch_of_step(
    batches: str, batch_size: int | None, num_data: int
) -> tuple[Callable[[Array], Array], Callable[[Array, Array, Array], tuple[Array, Array | None]]]:
    """Two functions that choose the examples of each step.

    Both take the key of the training, into which every step is folded.

    Returns:
        `start(rng_key) -> order`, the state to carry from step to step, and `choose(rng_key, order, step) -> (order,
        indices)`, whose indices are None for the full data.
    """
    if batch_size is None or batch_size >= num_data:
        return (lambda rng_key: jnp.zeros(0, jnp.int32)), (lambda rng_key, order, step: (order, None))
    if batches == "with_replacement":

        def draw(rng_key: Array, order: Array, step: Array) -> tuple[Array, Array]:
            return order, jax.random.randint(jax.random.fold_in(rng_key, step), (batch_size,), 0, num_data)

        return (lambda rng_key: jnp.zeros(0, jnp.int32)), draw
    per_epoch = num_data // batch_size

    def shuffled(rng_key: Array, epoch: Array) -> Array:
        return jax.random.permutation(jax.random.fold_in(rng_key, epoch), num_data).astype(jnp.int32)

    def deal(rng_key: Array, order: Array, step: Array) -> tuple[Array, Array]:
        epoch, turn = step // per_epoch, step % per_epoch
        order = jax.lax.cond(turn == 0, lambda: shuffled(rng_key, epoch), lambda: order)
        return order, jax.lax.dynamic_slice(order, (turn * batch_size,), (batch_size,))

    return (lambda rng_key: jnp.arange(num_data, dtype=jnp.int32)), deal
