"""What the full-gradient samplers share: coordinates in which the posterior has unit scale, and free losses.

They move u = (w - w*) / s, with s = 1/sqrt(largest curvature of n beta L_n + gamma), so that the defaults and tuners of
BlackJAX, made for scales near one, apply to any posterior.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from llcray.posterior import Posterior
from llcray.samplers.kernel import Hyper, StepInfo

Array = Any


def scaled_logdensity(posterior: Posterior, hyper: Hyper) -> Callable[[Array], Array]:
    """log p as a function of u."""
    return lambda u: posterior.logdensity(posterior.center + hyper["scale"] * u)


def to_scaled(position: Array, posterior: Posterior, hyper: Hyper) -> Array:
    """u of w."""
    return (position - posterior.center) / hyper["scale"]


def position(state: Any, posterior: Posterior, hyper: Hyper) -> Array:
    """w of a state that holds u as `position`."""
    return posterior.center + hyper["scale"] * state.position


def centered_loss(state: Any, posterior: Posterior, hyper: Hyper) -> Array:
    """L_n(w) - L_n(w*) from the log-density the state carries; costs nothing."""
    return posterior.centered_loss_of(state.logdensity, position(state, posterior, hyper))


def step_info(
    num_gradients: Array | float,
    acceptance_rate: Array | float = jnp.nan,
    energy: Array | float = jnp.nan,
    energy_change: Array | float = jnp.nan,
    heat: Array | float = 0.0,
    is_divergent: Array | bool = False,
) -> StepInfo:
    """A step's report with every field a float32 (or bool) array."""
    numbers = (num_gradients, acceptance_rate, energy, energy_change, heat)
    return StepInfo(*(jnp.asarray(x, jnp.float32) for x in numbers), is_divergent=jnp.asarray(is_divergent, bool))


def tree_where(condition: Array, if_true: Any, if_false: Any) -> Any:
    """Leafwise choice between two pytrees of one structure."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), if_true, if_false)
