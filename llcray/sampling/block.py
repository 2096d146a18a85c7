"""The compiled inner loops: starting, adapting and advancing chains, vmapped over runs and chains or in turn.

Every array has leading axes (run, chain). Keys are folded from run, chain, draw and step, so a chain's randomness does
not depend on what it runs beside or on where a block begins.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key, UInt32

from llcray.array_types import Array
from llcray.llc.draws import Draws
from llcray.posterior.coordinates import Block
from llcray.posterior.density import Posterior, full_loss
from llcray.samplers.kernel import Hyper, Kernel, State, StepInfo
from llcray.samplers.stochastic_gradient import random_batch
from llcray.sampling.curvature import chain_curvature
from llcray.sampling.gradient_moments import gradient_moments
from llcray.sampling.gradient_noise import gradient_noise, seen_noise
from llcray.sampling.program import Program

START, ADAPT, DRAW, GRADIENTS = range(4)
# The key of a draw's loss is folded with this number; the keys of its steps with 0, 1, ...
LOSS = 2**31 - 1


def start_chain(kernel: Kernel, rng_key: Key[Array, ""], posterior: Posterior, hyper: Hyper) -> State:
    """Starts one chain at w*, or near it if the kernel has an `initial_jitter`."""
    init_key, jitter_key = jax.random.split(jax.random.fold_in(rng_key, START))
    position = posterior.center
    if kernel.initial_jitter:
        noise = jax.random.normal(jitter_key, position.shape, position.dtype)
        position = position + kernel.initial_jitter * hyper["scale"].astype(position.dtype) * noise
    return kernel.init(init_key, position, posterior, hyper)


def _start_displaced_chain(
    kernel: Kernel, rng_key: Key[Array, ""], posterior: Posterior, hyper: Hyper, displacement: Float[Array, " d"]
) -> State:
    """Starts one chain away from w*."""
    position = posterior.position_at(displacement.astype(posterior.center.dtype))
    return kernel.init(jax.random.split(jax.random.fold_in(rng_key, START))[0], position, posterior, hyper)


def _adapt_chain(
    kernel: Kernel, num_steps: int, rng_key: Array, state: State, posterior: Posterior, hyper: Hyper
) -> tuple[State, Hyper, Array]:
    assert kernel.adapt is not None
    return kernel.adapt(jax.random.fold_in(rng_key, ADAPT), state, posterior, hyper, num_steps)


def _advance_chain(
    kernel: Kernel,
    num_draws: int,
    projection_dimension: int,
    rng_key: Array,
    state: State,
    posterior: Posterior,
    hyper: Hyper,
    first_draw: Array,
    steps_per_draw: Array,
) -> tuple[State, Draws]:
    draw_key = jax.random.fold_in(rng_key, DRAW)

    def draw(state: State, index: Array) -> tuple[State, Draws]:
        step_key = jax.random.fold_in(draw_key, index)

        def step(i: Array, carry: tuple[State, StepInfo]) -> tuple[State, StepInfo]:
            state, total = carry
            state, info = kernel.step(jax.random.fold_in(step_key, i), state, posterior, hyper)
            return state, _with_step(total, info)

        state, total = jax.lax.fori_loop(0, steps_per_draw, step, (state, _no_steps()))
        record = _record(kernel, step_key, state, posterior, hyper, total, steps_per_draw)
        offset = posterior.place(kernel.position(state, posterior, hyper)) - posterior.center
        return state, record._replace(projection=project(offset, projection_dimension))

    return jax.lax.scan(draw, state, first_draw + jnp.arange(num_draws))


def _no_steps() -> StepInfo:
    """The sum of no step reports, in float32."""
    zero = jnp.zeros((), jnp.float32)
    return StepInfo(zero, zero, zero, zero, zero, zero, jnp.zeros((), jnp.int32))


def _with_step(total: StepInfo, info: StepInfo) -> StepInfo:
    """Adds the report of a step to the sum of those before it; the energy change is summed by squares."""
    info = info._replace(energy_change=info.energy_change**2)
    return jax.tree.map(lambda a, b: a + b.astype(a.dtype), total, info)


def _record(
    kernel: Kernel,
    rng_key: Array,
    state: State,
    posterior: Posterior,
    hyper: Hyper,
    total: StepInfo,
    steps_per_draw: Array,
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
        virial=total.virial / num_steps,
        num_gradients=total.num_gradients + loss_gradients + posterior.num_probes / posterior.num_data / 3,
        num_divergent=total.is_divergent,
        projection=None,
        observables=posterior.probe_losses(position),
        log_weight=jnp.full((), jnp.nan) if kernel.log_weight is None else kernel.log_weight(state),
        log_volumes=jnp.zeros(0) if kernel.log_volumes is None else kernel.log_volumes(state),
    )


def _centered_loss(
    kernel: Kernel, rng_key: Array, state: State, posterior: Posterior, hyper: Hyper
) -> tuple[Array, float]:
    """Returns L(w) - L(w*) and its cost: over all data, or over a random batch at both places, also unbiased."""
    batch_size = paired_batch_size(kernel, posterior)
    if batch_size is None:
        return kernel.centered_loss(state, posterior, hyper), kernel.loss_gradients
    batch = random_batch(jax.random.fold_in(rng_key, LOSS), posterior.data, batch_size)
    position = kernel.position(state, posterior, hyper)
    places = (position, posterior.center)
    at_draw, at_center = (full_loss(partial(posterior.losses, place), batch, posterior.micro_batch) for place in places)
    return at_draw - at_center, 2 * kernel.loss_gradients * batch_size / posterior.num_data


def paired_batch_size(kernel: Kernel, posterior: Posterior) -> int | None:
    """Returns the number of examples that a draw's loss is taken on, at the draw and at w*; None for all data.

    A kernel that knows the full loss for nothing uses all data whatever the posterior's `loss_batch`.
    """
    batch_size = posterior.loss_batch
    if batch_size is None or batch_size >= posterior.num_data or kernel.loss_gradients == 0:
        return None
    return batch_size


def project(offset: Float[Array, " d"], dimension: int) -> Float[Array, " dimension"]:
    """Returns the coordinates of `offset`, shape (d,), along fixed random unit directions, shape (dimension,).

    The directions are made one at a time, as they are used: no d x dimension matrix is kept.
    """

    def along_direction(index: Array) -> Array:
        direction = jax.random.normal(jax.random.fold_in(jax.random.key(0), index), offset.shape, jnp.float32)
        return jnp.dot(direction, offset.astype(jnp.float32)) / jnp.linalg.norm(direction)

    return jax.lax.map(along_direction, jnp.arange(dimension))


def _chain_keys(num_chains: int, seed: UInt32[Array, "2"]) -> Key[Array, " chain"]:
    """Makes one key a chain for a run whose 64-bit seed is given as two 32-bit numbers, low and high."""
    key = jax.random.fold_in(jax.random.key(seed[0]), seed[1])
    return jax.vmap(lambda chain: jax.random.fold_in(key, chain))(jnp.arange(num_chains))


def _start_run(kernel: Kernel, keys: Array, posterior: Posterior, hyper: Hyper) -> State:
    return jax.vmap(partial(start_chain, kernel), (0, None, 0))(keys, posterior, hyper)


def _start_displaced_run(kernel: Kernel, keys: Array, posterior: Posterior, hyper: Hyper, displacement: Array) -> State:
    over_chains = jax.vmap(partial(_start_displaced_chain, kernel), (0, None, 0, 0))
    return over_chains(keys, posterior, hyper, displacement)


def _adapt_run(
    kernel: Kernel,
    num_steps: int,
    keys: Array,
    state: State,
    posterior: Posterior,
    hyper: Hyper,
    num_adaptations: Array,
) -> tuple[State, Hyper, Array]:
    num_chains = keys.shape[0]
    keys = jax.vmap(lambda key: jax.random.fold_in(key, num_adaptations))(keys)
    if kernel.adapts_once:
        first_key, first_state, first_hyper = jax.tree.map(lambda leaf: leaf[0], (keys, state, hyper))
        _, tuned, cost = _adapt_chain(kernel, num_steps, first_key, first_state, posterior, first_hyper)
        shared = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (num_chains, *jnp.shape(leaf))), tuned)
        return state, shared, jnp.zeros(num_chains).at[0].set(cost)
    return jax.vmap(partial(_adapt_chain, kernel, num_steps), (0, 0, None, 0))(keys, state, posterior, hyper)


def _advance_run(
    kernel: Kernel,
    num_draws: int,
    projection_dimension: int,
    keys: Array,
    state: State,
    posterior: Posterior,
    hyper: Hyper,
    first_draw: Array,
    steps_per_draw: Array,
) -> tuple[State, Draws]:
    advance_chain = partial(_advance_chain, kernel, num_draws, projection_dimension)
    if posterior.chains_together:
        over_chains = jax.vmap(advance_chain, (0, 0, None, 0, None, None))
        return over_chains(keys, state, posterior, hyper, first_draw, steps_per_draw)

    def in_turn(chain: tuple[Array, State, Hyper]) -> tuple[State, Draws]:
        chain_key, chain_state, chain_hyper = chain
        return advance_chain(chain_key, chain_state, posterior, chain_hyper, first_draw, steps_per_draw)

    return jax.lax.map(in_turn, (keys, state, hyper))


def positions_of(kernel: Kernel, state: State, posterior: Posterior, hyper: Hyper) -> Float[Array, "run chain d"]:
    """Returns w of all chains of all runs, for measurements: these depend on no kernel, so that kernels share them."""
    over_chains = jax.vmap(kernel.position, (0, None, 0))
    return jax.vmap(over_chains)(state, posterior, hyper)


def _displacement_run(keys: Array, positions: Array, posterior: Posterior) -> Array:
    del keys
    return jax.vmap(posterior.place)(positions) - posterior.center


def _measure_run(keys: Array, positions: Array, posterior: Posterior) -> Array:
    def measure(rng_key: Array, position: Array) -> Array:
        return chain_curvature(rng_key, posterior, position)

    return jax.vmap(measure)(keys, positions)


def _measure_noise_run(batch_size: int, keys: Array, positions: Array, posterior: Posterior) -> Array:
    def measure(rng_key: Array, position: Array) -> Array:
        return gradient_noise(rng_key, posterior, position, batch_size)

    return jax.vmap(measure)(keys, positions)


def _measure_seen_noise_run(
    batch_size: int, uses_control_variates: bool, keys: Array, positions: Array, posterior: Posterior
) -> Array:
    def measure(chain: tuple[Array, Array]) -> Array:
        rng_key, position = chain
        return seen_noise(rng_key, posterior, position, batch_size, uses_control_variates)

    return jax.lax.map(measure, (keys, positions))


def _measure_gradients_run(
    kernel: Kernel,
    num_samples: int,
    steps_between: int,
    num_before: int,
    batch_size: int,
    blocks: tuple[Block, ...],
    keys: Array,
    state: State,
    posterior: Posterior,
    hyper: Hyper,
) -> tuple[State, Array]:
    def measure(chain: tuple[Array, State, Hyper]) -> tuple[State, Array]:
        rng_key, state, hyper = chain
        key = jax.random.fold_in(rng_key, GRADIENTS)
        numbers = (num_samples, steps_between, num_before, batch_size, blocks)
        return gradient_moments(kernel, *numbers, key, state, posterior, hyper)

    chains = (keys, state, hyper)
    return jax.vmap(measure)(chains) if posterior.chains_together else jax.lax.map(measure, chains)


def _over_runs(function: Callable[..., Any], num_static: int, in_axes: Any = 0) -> Callable[..., Any]:
    def all_runs(*args: Any) -> Any:
        return jax.vmap(partial(function, *args[:num_static]), in_axes)(*args[num_static:])

    return all_runs


# chain_keys((num_chains,), seeds (run, 2)) -> keys (run, chain), which the other programs take
chain_keys = Program(_over_runs(_chain_keys, 1))
# start((kernel,), keys, posterior, hyper) -> state
start = Program(_over_runs(_start_run, 1))
# start_displaced((kernel,), keys, posterior, hyper, w - w* (run, chain, d)) -> state
start_displaced = Program(_over_runs(_start_displaced_run, 1))
# adapt((kernel, num_steps), keys, state, posterior, hyper, num_adaptations before) -> (state, hyper, num_gradients)
adapt = Program(_over_runs(_adapt_run, 2), donate=(1,))
# advance((kernel, num_draws, projection_dimension), keys, state, posterior, hyper, first_draw, steps_per_draw)
#   -> (state, Draws); steps_per_draw is the same for all runs
advance = Program(_over_runs(_advance_run, 3, (0, 0, 0, 0, 0, None)), donate=(1,))
# displacement((), keys, positions (run, chain, d), posterior) -> w - w* of each chain
displacement = Program(_over_runs(_displacement_run, 0))
# measure((), keys, positions, posterior) -> largest curvature of n beta L_n at each chain
measure = Program(_over_runs(_measure_run, 0))
# measure_noise((batch_size,), keys, positions, posterior) -> variances at each chain
measure_noise = Program(_over_runs(_measure_noise_run, 1))
# measure_seen_noise((batch_size, control variates?), keys, positions, posterior)
#   -> gradient noise at each chain, and the part of it that the loss sees
measure_seen_noise = Program(_over_runs(_measure_seen_noise_run, 2))
# measure_gradients((kernel, num_samples, steps_between, num_before, batch_size, blocks), keys, state, posterior, hyper)
#   -> (state, moments of gradients at each chain)
measure_gradients = Program(_over_runs(_measure_gradients_run, 6), donate=(1,))
