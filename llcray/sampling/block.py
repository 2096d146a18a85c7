"""The compiled inner loops: starting, adapting and advancing chains, vmapped over runs and chains or in turn.

Every array has leading axes (run, chain). Keys are folded from run, chain, draw and step, so a chain's randomness does
not depend on what it runs beside or on where a block begins.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from llcray.llc.draws import Draws
from llcray.posterior.density import full_loss
from llcray.samplers.kernel import Kernel, StepInfo
from llcray.samplers.stochastic_gradient import random_batch
from llcray.sampling.curvature import largest_curvature
from llcray.sampling.gradient_noise import gradient_noise
from llcray.sampling.program import Program
from llcray.types import Array

START, ADAPT, DRAW = range(3)
# Folded into the key of a draw beside its steps, which are counted from 0.
LOSS = 2**31 - 1


def _start(kernel: Kernel, rng_key: Array, posterior: Any, hyper: Any) -> Any:
    init_key, jitter_key = jax.random.split(jax.random.fold_in(rng_key, START))
    position = posterior.center
    if kernel.initial_jitter:
        noise = jax.random.normal(jitter_key, position.shape, position.dtype)
        position = position + kernel.initial_jitter * hyper["scale"].astype(position.dtype) * noise
    return kernel.init(init_key, position, posterior, hyper)


def _adapt(kernel: Kernel, num_steps: int, rng_key: Array, state: Any, posterior: Any, hyper: Any) -> Any:
    assert kernel.adapt is not None
    return kernel.adapt(jax.random.fold_in(rng_key, ADAPT), state, posterior, hyper, num_steps)


def _advance(
    kernel: Kernel,
    num_draws: int,
    projection_dimension: int,
    rng_key: Array,
    state: Any,
    posterior: Any,
    hyper: Any,
    first_draw: Array,
    steps_per_draw: Array,
) -> tuple[Any, Draws]:
    draw_key = jax.random.fold_in(rng_key, DRAW)

    def draw(state: Any, index: Array) -> tuple[Any, Draws]:
        step_key = jax.random.fold_in(draw_key, index)

        def step(i: Array, carry: Any) -> Any:
            state, total = carry
            state, info = kernel.step(jax.random.fold_in(step_key, i), state, posterior, hyper)
            return state, StepTotals.add(total, info)

        state, total = jax.lax.fori_loop(0, steps_per_draw, step, (state, StepTotals.zero()))
        record = _record(kernel, step_key, state, posterior, hyper, total, steps_per_draw)
        offset = kernel.position(state, posterior, hyper) - posterior.center
        return state, record._replace(projection=project(offset, projection_dimension))

    return jax.lax.scan(draw, state, first_draw + jnp.arange(num_draws))


class StepTotals:
    """Sums of step reports, in float32; the energy change by squares."""

    @staticmethod
    def zero() -> StepInfo:
        """The empty sum."""
        zero = jnp.zeros((), jnp.float32)
        return StepInfo(zero, zero, zero, zero, zero, jnp.zeros((), jnp.int32))

    @staticmethod
    def add(total: StepInfo, info: StepInfo) -> StepInfo:
        """The sum with one more step."""
        info = info._replace(energy_change=info.energy_change**2)
        return jax.tree.map(lambda a, b: a + b.astype(a.dtype), total, info)


def _record(
    kernel: Kernel, rng_key: Array, state: Any, posterior: Any, hyper: Any, total: StepInfo, steps_per_draw: Array
) -> Draws:
    num_steps = steps_per_draw.astype(jnp.float32)
    position = kernel.position(state, posterior, hyper)
    loss, loss_gradients = _centered_loss(kernel, rng_key, state, posterior, hyper)
    return Draws(
        centered_loss=loss.astype(jnp.float64),
        squared_distance=posterior.squared_distance(position).astype(jnp.float32),
        acceptance_rate=total.acceptance_rate / num_steps,
        energy=total.energy / num_steps,
        energy_change=jnp.sqrt(total.energy_change / num_steps),
        heat=total.heat / num_steps,
        num_gradients=total.num_gradients + loss_gradients + posterior.num_probes / posterior.num_data / 3,
        num_divergent=total.is_divergent,
        projection=None,
        observables=posterior.probe_losses(position),
    )


def _centered_loss(kernel: Kernel, rng_key: Array, state: Any, posterior: Any, hyper: Any) -> tuple[Array, float]:
    """L(w) - L(w*) and its cost: over all of the data, or over a random batch at both places, which is unbiased too."""
    if not is_paired(kernel, posterior):
        return kernel.centered_loss(state, posterior, hyper), kernel.loss_gradients
    batch = random_batch(jax.random.fold_in(rng_key, LOSS), posterior.data, posterior.loss_batch)
    position = kernel.position(state, posterior, hyper)
    places = (position, posterior.center)
    here, there = (full_loss(partial(posterior.losses, place), batch, posterior.micro_batch) for place in places)
    return here - there, 2 * kernel.loss_gradients * posterior.loss_batch / posterior.num_data


def is_paired(kernel: Kernel, posterior: Any) -> bool:
    """Whether losses of draws are taken on paired batches: if asked for, and a pass over the data costs anything."""
    asked = posterior.loss_batch is not None and posterior.loss_batch < posterior.num_data
    return asked and kernel.loss_gradients > 0


def project(offset: Array, dimension: int) -> Array:
    """Coordinates of `offset`, shape (d,), along fixed random unit directions; shape (dimension,).

    The directions are made as they are used, one at a time: no d x dimension matrix is kept.
    """

    def along(index: Array) -> Array:
        direction = jax.random.normal(jax.random.fold_in(jax.random.key(0), index), offset.shape, jnp.float32)
        return jnp.dot(direction, offset.astype(jnp.float32)) / jnp.linalg.norm(direction)

    return jax.lax.map(along, jnp.arange(dimension))


def chain_keys(seed: Array, num_chains: int) -> Array:
    """One key a chain of the run whose 64-bit seed is given as two numbers, low and high."""
    key = jax.random.fold_in(jax.random.key(seed[0]), seed[1])
    return jax.vmap(lambda chain: jax.random.fold_in(key, chain))(jnp.arange(num_chains))


def _start_run(kernel: Kernel, num_chains: int, seed: Array, posterior: Any, hyper: Any) -> Any:
    over_chains = jax.vmap(partial(_start, kernel), (0, None, 0))
    return over_chains(chain_keys(seed, num_chains), posterior, hyper)


def _adapt_run(
    kernel: Kernel, num_chains: int, num_steps: int, seed: Array, state: Any, posterior: Any, hyper: Any, times: Array
) -> Any:
    keys = jax.vmap(lambda key: jax.random.fold_in(key, times))(chain_keys(seed, num_chains))
    return jax.vmap(partial(_adapt, kernel, num_steps), (0, 0, None, 0))(keys, state, posterior, hyper)


def _advance_run(
    kernel: Kernel,
    num_chains: int,
    num_draws: int,
    projection_dimension: int,
    seed: Array,
    state: Any,
    posterior: Any,
    hyper: Any,
    first_draw: Array,
    steps_per_draw: Array,
) -> Any:
    advance_one = partial(_advance, kernel, num_draws, projection_dimension)
    keys = chain_keys(seed, num_chains)
    if posterior.chains_together:
        over_chains = jax.vmap(advance_one, (0, 0, None, 0, None, None))
        return over_chains(keys, state, posterior, hyper, first_draw, steps_per_draw)

    def one(chain: Any) -> Any:
        own_key, own_state, own_hyper = chain
        return advance_one(own_key, own_state, posterior, own_hyper, first_draw, steps_per_draw)

    return jax.lax.map(one, (keys, state, hyper))


def _measure_run(kernel: Kernel, num_chains: int, seed: Array, state: Any, posterior: Any, hyper: Any) -> Any:
    def measure(rng_key: Array, state: Any, hyper: Any) -> Array:
        return largest_curvature(rng_key, posterior, kernel.position(state, posterior, hyper))

    return jax.vmap(measure)(chain_keys(seed, num_chains), state, hyper)


def _measure_noise_run(
    kernel: Kernel, num_chains: int, batch_size: int, seed: Array, state: Any, posterior: Any, hyper: Any
) -> Any:
    def measure(rng_key: Array, state: Any, hyper: Any) -> Array:
        return gradient_noise(rng_key, posterior, kernel.position(state, posterior, hyper), batch_size)

    return jax.vmap(measure)(chain_keys(seed, num_chains), state, hyper)


def _over_runs(function: Callable[..., Any], num_static: int, in_axes: Any = 0) -> Callable[..., Any]:
    def all_runs(*args: Any) -> Any:
        return jax.vmap(partial(function, *args[:num_static]), in_axes)(*args[num_static:])

    return all_runs


# start((kernel, num_chains), seeds, posterior, hyper) -> state
start = Program(_over_runs(_start_run, 2))
# adapt((kernel, num_chains, num_steps), seeds, state, posterior, hyper, times adapted before)
#   -> (state, hyper, num_gradients)
adapt = Program(_over_runs(_adapt_run, 3), donate=(1,))
# advance((kernel, num_chains, num_draws, projection_dimension), seeds, state, posterior, hyper, first_draw,
#   steps_per_draw) -> (state, Draws); steps_per_draw is the same for all runs
advance = Program(_over_runs(_advance_run, 4, (0, 0, 0, 0, 0, None)), donate=(1,))
# measure((kernel, num_chains), seeds, state, posterior, hyper) -> largest curvature of n beta L_n at each chain
measure = Program(_over_runs(_measure_run, 2))
# measure_noise((kernel, num_chains, batch_size), seeds, state, posterior, hyper) -> variances at each chain
measure_noise = Program(_over_runs(_measure_noise_run, 3))
