"""Trainings of a fixed number of steps that keep the weights at given steps: one compiled loop, vmapped over seeds.

There is no early stopping and no polish, which would change the trajectory.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llcray.array_types import Array, LossFn, PyTree
from llcray.jax_settings import own_settings
from llcray.training import Training
from llcray.training.minimize import mean_loss
from llcray.training.optimizer import TrainingVariant
from llcray.training.schedules import batch_of_step, learning_rate_at

Measure = Callable[[PyTree, PyTree], Array]


class Trajectory(NamedTuple):
    """Weights and measurements along training; the first axis of every array is the trajectories.

    Attributes:
        params: Weights at the steps to keep (trajectory, step, ...).
        last: Weights after the last step (trajectory, ...).
        looks: Measurement of each data set at the steps to look at (trajectory, look, data set).
    """

    params: PyTree
    last: PyTree
    looks: Array


class _State(NamedTuple):
    params: PyTree
    memory: PyTree
    order: Array


def train(
    spec: Training,
    loss_fn: LossFn,
    params: PyTree,
    data: PyTree,
    seeds: list[int],
    keep: list[int],
    look: list[int],
    measure: Measure | None = None,
    look_at: tuple[PyTree, ...] = (),
) -> Trajectory:
    """The trajectories of `spec.num_steps` steps from several initial weights at once.

    The program is compiled once for each `loss_fn`, `measure`, number of weights to keep and shapes.

    Args:
        spec: The optimizer; early stopping and polish are ignored.
        loss_fn: Per-example loss.
        params: Initial weights (trajectory, ...).
        data: Training examples (trajectory, example, ...).
        seeds: Seeds of the minibatches, one a trajectory.
        keep: Steps after which weights are kept, ascending; 0 keeps the initial weights.
        look: Steps after which `measure` is taken.
        measure: `measure(params, data)` gives one number; programs are shared where it is equal by value.
        look_at: Data sets to measure, each (trajectory, example, ...).

    Raises:
        FloatingPointError: Weights to keep are not finite.
    """
    with own_settings(float64=spec.precision == "float64"):
        stops = sorted({*keep, *look, spec.num_steps})
        slots = [keep.index(step) if step in keep else len(keep) for step in stops]
        cast = jax.tree.map(lambda leaf: jnp.asarray(leaf, spec.precision), params)
        keys = jax.vmap(jax.random.key)(jnp.asarray(np.array(seeds, np.uint32)))
        numbers = spec.numbers() | {"num_steps": spec.num_steps}
        static = (loss_fn, spec.structure(), measure if look_at else None, len(keep))
        kept, last, measured = _run(*static, numbers, np.array(stops), np.array(slots), cast, data, look_at, keys)
        kept = jax.tree.map(np.asarray, kept)
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(kept)):
        raise FloatingPointError(
            f"Training diverged: weights are not finite within {spec.num_steps} steps of {spec.kind}. "
            f"Lower training.learning_rate, now {spec.learning_rate:g}."
        )
    return Trajectory(kept, last, np.asarray(measured)[:, [stops.index(step) for step in look]])


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _run(
    loss_fn: LossFn,
    structure: TrainingVariant,
    measure: Measure | None,
    num_kept: int,
    numbers: dict[str, Any],
    stops: Array,
    slots: Array,
    params: PyTree,
    data: PyTree,
    look_at: tuple[PyTree, ...],
    rng_keys: Array,
) -> tuple[PyTree, PyTree, Array]:
    """All trajectories. Their steps and stops are shared, so that no branch on a step is batched."""
    trajectory = partial(_trajectory, loss_fn, structure, measure, num_kept, numbers, stops, slots)
    return jax.vmap(trajectory)(params, data, look_at, rng_keys)


def _trajectory(
    loss_fn: LossFn,
    structure: TrainingVariant,
    measure: Measure | None,
    num_kept: int,
    numbers: dict[str, Any],
    stops: Array,
    slots: Array,
    params: PyTree,
    data: PyTree,
    look_at: tuple[PyTree, ...],
    rng_key: Array,
) -> tuple[PyTree, PyTree, Array]:
    optimizer = structure.optimizer(numbers)
    num_data = jax.tree.leaves(data)[0].shape[0]
    start_order, choose = batch_of_step(structure.batches, structure.batch_size, num_data)

    def take_step(step: Array, state: _State) -> _State:
        order, chosen = choose(rng_key, state.order, step)
        batch = data if chosen is None else jax.tree.map(lambda x: x[chosen], data)
        gradient = jax.grad(mean_loss, argnums=1)(loss_fn, state.params, batch)
        direction, memory = optimizer.update(gradient, state.memory, state.params)
        rate = learning_rate_at(structure.schedule, numbers["learning_rate"], step, numbers["num_steps"])
        moved = jax.tree.map(lambda w, u: (w - rate * u).astype(w.dtype), state.params, direction)
        return _State(moved, memory, order)

    def to_next_stop(carry: tuple[_State, PyTree, Array], stop: tuple[Array, Array]) -> Any:
        state, kept, before = carry
        state = jax.lax.fori_loop(before, stop[0], take_step, state)
        kept = jax.tree.map(lambda all_kept, w: all_kept.at[stop[1]].set(w), kept, state.params)
        measured = [measure(state.params, data_set) for data_set in look_at] if measure is not None else []
        return (state, kept, stop[0]), jnp.stack(measured) if measured else jnp.zeros(0)

    # Weights that are only looked at go into a last slot, which is cut off.
    kept = jax.tree.map(lambda w: jnp.zeros((num_kept + 1, *w.shape), w.dtype), params)
    start = (_State(params, optimizer.init(params), start_order(rng_key)), kept, jnp.zeros((), stops.dtype))
    (state, kept, _), looks = jax.lax.scan(to_next_stop, start, (stops, slots))
    return jax.tree.map(lambda all_kept: all_kept[:num_kept], kept), state.params, looks
