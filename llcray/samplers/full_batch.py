"""Parts of the full-gradient samplers: coordinates in which the posterior has unit scale, and losses at no cost.

These samplers move

    u = (w - w*) / s,    s = 1/sqrt(largest curvature of n beta L_n + gamma),

so that the defaults and tuners of BlackJAX, made for scales near one, apply to any posterior.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key

from llcray.array_types import Array
from llcray.posterior.density import Posterior
from llcray.samplers.kernel import Hyper, Kernel, State, StepInfo


def scaled_logdensity(posterior: Posterior, hyper: Hyper) -> Callable[[Array], Array]:
    """Returns log p as a function of u."""
    return lambda u: posterior.logdensity(posterior.center + hyper["scale"] * u)


def to_scaled(position: Float[Array, " d"], posterior: Posterior, hyper: Hyper) -> Float[Array, " d"]:
    """Returns u at a position w, shape (d,)."""
    return (position - posterior.center) / hyper["scale"]


def position(state: State, posterior: Posterior, hyper: Hyper) -> Float[Array, " d"]:
    """Returns w, shape (d,), of a state that holds u as `position`."""
    return posterior.center + hyper["scale"] * state.position


def centered_loss(state: State, posterior: Posterior, hyper: Hyper) -> Float[Array, ""]:
    """Returns L_n(w) - L_n(w*) from the log-density that the state carries, at no cost."""
    return posterior.centered_loss_of(state.logdensity, position(state, posterior, hyper))


# Spread of the chains' starts around w* in posterior scales: less than the stiffest direction's width.
INITIAL_JITTER = 0.1


def exact_gradient_kernel(init: Callable[..., Any], step: Callable[..., Any], adapt: Callable[..., Any]) -> Kernel:
    """Makes a kernel of functions whose state holds u as `position`, and `logdensity` there."""
    return Kernel(
        init=init,
        step=step,
        position=position,
        centered_loss=centered_loss,
        loss_gradients=0.0,
        initial_jitter=INITIAL_JITTER,
        adapt=adapt,
    )


# Trajectories are shortened by a random factor between this and one: at a fixed length some directions return to their
# start, or to its mirror point, where the loss is the same.
SHORTEST_TRAJECTORY = 0.3


def random_length_hmc() -> Callable[..., Any]:
    """Makes BlackJAX's HMC kernel with trajectories of random length, and so without resonances."""
    import blackjax

    kernel = blackjax.hmc.build_kernel()

    def step(
        rng_key: Array,
        state: Any,
        logdensity_fn: Callable[[Array], Array],
        step_size: Array,
        inverse_mass_matrix: Array,
        num_integration_steps: Array | int,
    ) -> tuple[Any, Any]:
        length_key, kernel_key = jax.random.split(rng_key)
        shorter = step_size * jax.random.uniform(length_key, minval=SHORTEST_TRAJECTORY, maxval=1.0)
        return kernel(kernel_key, state, logdensity_fn, shorter, inverse_mass_matrix, num_integration_steps)

    return step


def step_info(
    state: State,
    num_gradients: Array | float,
    acceptance_rate: Array | float = jnp.nan,
    energy: Array | float = jnp.nan,
    energy_change: Array | float = jnp.nan,
    heat: Array | float = 0.0,
    is_divergent: Array | bool = False,
) -> StepInfo:
    """Makes the report of a step that ended at `state`, with every field a float32 or bool array.

    The virial u'grad U is that of w, since a product of a position and a gradient does not depend on the scale.
    """
    virial = -jnp.vdot(state.position, state.logdensity_grad)
    numbers = (num_gradients, acceptance_rate, energy, energy_change, heat, virial)
    return StepInfo(*(jnp.asarray(x, jnp.float32) for x in numbers), is_divergent=jnp.asarray(is_divergent, bool))


def state_before_adaptation(position: Float[Array, " d"]) -> State:
    """Makes the state of HMC or NUTS at a scaled position, shape (d,), for `window_adapted` to start from.

    Log-density and gradient are left zero: the adaptation computes them, so that no program is compiled for them alone.
    """
    from blackjax.mcmc.hmc import HMCState

    nothing: Any = jnp.zeros((), position.dtype)  # BlackJAX types a log-density as a float
    return HMCState(position, nothing, jnp.zeros_like(position))


def window_adapted(
    algorithm: Any,
    rng_key: Key[Array, ""],
    position: Float[Array, " d"],
    logdensity_fn: Callable[[Array], Array],
    num_steps: int,
    **settings: Any,
) -> tuple[Any, Hyper, Array]:
    """Tunes step size and diagonal mass matrix in windows, like Stan's warmup, by BlackJAX.

    Args:
        algorithm: `blackjax.hmc`, `blackjax.nuts`, ...
        rng_key: Key of the warmup.
        position: Scaled start, shape (d,).
        logdensity_fn: log p as a function of the scaled position.
        num_steps: Number of steps of the warmup.
        settings: `target_acceptance_rate` and the algorithm's fixed parameters.

    Returns:
        The last state, the tuned `step_size` and `inverse_mass_matrix`, and the number of gradients.
    """
    import blackjax
    from blackjax.adaptation.base import get_filter_adapt_info_fn

    record = get_filter_adapt_info_fn(info_keys={"num_integration_steps"})
    adaptation = blackjax.window_adaptation(
        algorithm, logdensity_fn, initial_step_size=0.5, adaptation_info_fn=record, **settings
    )
    run: Any = adaptation.run
    (state, tuned), history = run(rng_key, position, num_steps)
    num_gradients = jnp.sum(history.info.num_integration_steps).astype(jnp.float32)
    return state, {name: tuned[name] for name in ("step_size", "inverse_mass_matrix")}, num_gradients
