"""Minimisation in two compiled loops: an optimizer with early stopping, then full-batch L-BFGS."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from llcray.array_types import Array, LossFn, PyTree
from llcray.jax_settings import own_settings
from llcray.training import Training
from llcray.training.optimizer import CHECK_EVERY, TrainingVariant

# Losses of more examples than this are evaluated a chunk at a time.
EXAMPLES_PER_CHUNK = 16_384
POLISH_NUMBERS = ("polish_steps", "gradient_tolerance")
# L-BFGS has run out of digits when this many steps in a row lower the loss by nothing.
STALLED_STEPS = 10


class Minimum(NamedTuple):
    """The end of a training.

    Attributes:
        params: w*.
        loss: Mean loss over the full data, nats per example.
        gradient_norm: Euclidean norm of the gradient of that loss.
        num_steps: Steps of the optimizer.
        num_polish_steps: Steps of L-BFGS.
    """

    params: PyTree
    loss: Array
    gradient_norm: Array
    num_steps: Array | int
    num_polish_steps: Array | int


class Descent(NamedTuple):
    """State of the optimizer between two looks at the full-data loss; `memory` is the state of its update rule."""

    params: PyTree
    memory: PyTree
    rng_key: Array
    step: Array
    loss: Array
    gradient_norm: Array
    best_loss: Array
    looks_without_improvement: Array


class Polish(NamedTuple):
    """State of L-BFGS; `stalled` counts the steps in a row that did not lower the loss."""

    params: PyTree
    memory: PyTree
    step: Array
    loss: Array
    gradient_norm: Array
    stalled: Array


def minimize(spec: Training, loss_fn: LossFn, params: PyTree, data: PyTree, seed: int) -> Minimum:
    """The minimum of the mean of `loss_fn(params, data)` that training finds from initial parameters.

    The programs are compiled once for each `loss_fn` and shapes; the numbers of `spec` are arguments of them.

    Raises:
        FloatingPointError: Training diverged.
    """
    with own_settings(float64=spec.precision == "float64"):
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, spec.precision), params)
        numbers, num_steps = spec.numbers(), 0
        if spec.num_steps > 0:
            descended = _descend(loss_fn, spec.structure(), numbers, params, data, jax.random.key(seed))
            params, num_steps = descended.params, descended.step
        if spec.polish_steps > 0:
            polished = _polish(loss_fn, {name: numbers[name] for name in POLISH_NUMBERS}, params, data)
            minimum = Minimum(polished.params, polished.loss, polished.gradient_norm, num_steps, polished.step)
        else:
            loss, gradient_norm = loss_and_gradient_norm(loss_fn, spec.precision, params, data)
            minimum = Minimum(params, loss, gradient_norm, num_steps, 0)
        if not (jnp.isfinite(minimum.loss) and jnp.isfinite(minimum.gradient_norm)):
            raise FloatingPointError(
                f"Training diverged: the loss is {minimum.loss} after {minimum.num_steps} steps of {spec.kind}. "
                f"Lower training.learning_rate, now {spec.learning_rate:g}."
            )
        return minimum


def mean_loss(loss_fn: LossFn, params: PyTree, data: PyTree) -> Array:
    """Mean loss of the examples, evaluated in chunks where there are many."""
    num_data = jax.tree.leaves(data)[0].shape[0]
    num_chunks = num_data // EXAMPLES_PER_CHUNK
    if num_chunks == 0:
        return jnp.mean(loss_fn(params, data))
    whole = num_chunks * EXAMPLES_PER_CHUNK
    chunks = jax.tree.map(lambda x: x[:whole].reshape(num_chunks, EXAMPLES_PER_CHUNK, *x.shape[1:]), data)
    total = jnp.sum(jax.lax.map(jax.checkpoint(lambda chunk: jnp.sum(loss_fn(params, chunk))), chunks))
    if whole < num_data:
        total += jnp.sum(loss_fn(params, jax.tree.map(lambda x: x[whole:], data)))
    return total / num_data


@partial(jax.jit, static_argnums=(0, 1))
def loss_and_gradient_norm(loss_fn: LossFn, dtype: str, params: PyTree, data: PyTree) -> tuple[Array, Array]:
    """Mean loss over the full data and Euclidean norm of its gradient, both in precision `dtype`."""
    cast = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), params)
    loss, gradient = jax.value_and_grad(mean_loss, argnums=1)(loss_fn, cast, data)
    return loss, optax.tree.norm(gradient)


@partial(jax.jit, static_argnums=(0, 1))
def _descend(
    loss_fn: LossFn, structure: TrainingVariant, numbers: dict[str, Any], params: PyTree, data: PyTree, rng_key: Array
) -> Descent:
    """The state in which the optimizer ends: it runs in blocks of CHECK_EVERY steps until it stalls or converges."""
    optimizer = structure.optimizer(numbers)
    num_data = jax.tree.leaves(data)[0].shape[0]
    batch_size, num_steps = structure.batch_size, numbers["num_steps"]

    def learning_rate(step: Array) -> Array:
        if structure.schedule == "constant":
            return numbers["learning_rate"]
        return numbers["learning_rate"] * 0.5 * (1 + jnp.cos(jnp.pi * step / num_steps))

    def take_step(_: Array, state: Descent) -> Descent:
        batch, rng_key = data, state.rng_key
        if batch_size is not None:
            rng_key, batch_key = jax.random.split(rng_key)
            chosen = jax.random.randint(batch_key, (batch_size,), 0, num_data)
            batch = jax.tree.map(lambda x: x[chosen], data)
        loss, gradient = jax.value_and_grad(mean_loss, argnums=1)(loss_fn, state.params, batch)
        direction, memory = optimizer.update(gradient, state.memory, state.params)
        rate = learning_rate(state.step)
        params = jax.tree.map(lambda w, u: (w - rate * u).astype(w.dtype), state.params, direction)
        return state._replace(
            params=params,
            memory=memory,
            rng_key=rng_key,
            step=state.step + 1,
            loss=loss,
            gradient_norm=optax.tree.norm(gradient),
        )

    def look(state: Descent) -> Descent:
        steps = jnp.minimum(CHECK_EVERY, num_steps - state.step)
        state = jax.lax.fori_loop(0, steps, take_step, state)
        loss, gradient_norm = state.loss, state.gradient_norm
        if batch_size is not None:
            loss, gradient_norm = mean_loss(loss_fn, state.params, data), jnp.full_like(gradient_norm, jnp.inf)
        improved = loss < state.best_loss - numbers["min_improvement"]
        return state._replace(
            loss=loss,
            gradient_norm=gradient_norm,
            best_loss=jnp.minimum(loss, state.best_loss),
            looks_without_improvement=jnp.where(improved, 0, state.looks_without_improvement + 1),
        )

    def unfinished(state: Descent) -> Array:
        return (
            (state.step < num_steps)
            & (state.looks_without_improvement < numbers["patience"])
            & (state.gradient_norm > numbers["gradient_tolerance"])
            & ~jnp.isnan(state.loss)
        )

    infinity = jnp.full_like(mean_loss(loss_fn, params, jax.tree.map(lambda x: x[:1], data)), jnp.inf)
    zero = jnp.asarray(0)
    start = Descent(params, optimizer.init(params), rng_key, zero, infinity, infinity, infinity, zero)
    return jax.lax.while_loop(unfinished, look, start)


@partial(jax.jit, static_argnums=0)
def _polish(loss_fn: LossFn, numbers: dict[str, Any], params: PyTree, data: PyTree) -> Polish:
    """The state in which L-BFGS with the zoom line search ends (Nocedal and Wright 2006, chapters 3 and 7)."""
    # As a list: optax looks its state up by name, and finds parameters called "value" or "grad" in it.
    leaves, structure = jax.tree.flatten(params)

    def full(leaves: list[Array]) -> Array:
        return mean_loss(loss_fn, jax.tree.unflatten(structure, leaves), data)

    optimizer = optax.lbfgs(memory_size=20)
    value_and_grad = optax.value_and_grad_from_state(full)

    def take_step(state: Polish) -> Polish:
        value, gradient = value_and_grad(state.params, state=state.memory)
        updates, memory = optimizer.update(
            gradient, state.memory, state.params, value=value, grad=gradient, value_fn=full
        )
        params = optax.apply_updates(state.params, updates)
        loss = optax.tree.get(memory, "value")
        gradient_norm = optax.tree.norm(optax.tree.get(memory, "grad"))
        stalled = jnp.where(loss < state.loss, 0, state.stalled + 1)
        return Polish(params, memory, state.step + 1, loss, gradient_norm, stalled)

    def unfinished(state: Polish) -> Array:
        return (
            (state.step < numbers["polish_steps"])
            & (state.gradient_norm > numbers["gradient_tolerance"])
            & (state.stalled < STALLED_STEPS)
            & jnp.isfinite(state.loss)
        )

    loss, gradient = jax.value_and_grad(full)(leaves)
    zero = jnp.asarray(0)
    start = Polish(leaves, optimizer.init(leaves), zero, loss, optax.tree.norm(gradient), zero)
    end = jax.lax.while_loop(unfinished, take_step, start)
    return end._replace(params=jax.tree.unflatten(structure, end.params))
