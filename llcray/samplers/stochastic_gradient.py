"""Minibatch gradients, which the stochastic-gradient samplers share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key

from llcray.array_types import Array, PyTree
from llcray.posterior.density import Posterior
from llcray.samplers import counter
from llcray.samplers.kernel import Kernel, StepInfo

GradientKind = Literal["minibatch", "control_variate"]


@dataclass(frozen=True, eq=False)
class GradientEstimator:
    """An unbiased estimate of the gradient of L_n.

    Attributes:
        init: `posterior -> anchor`, the part that is computed once per start of a chain.
        gradient: `(rng_key, position, anchor, posterior) -> (d,)`.
        num_evaluations: Number of minibatch gradients that a call of `gradient` costs.
        batch_size: Examples per minibatch.
    """

    init: Callable[[Posterior], Any]
    gradient: Callable[..., Array]
    num_evaluations: int
    batch_size: int

    def cost(self, posterior: Posterior) -> Array:
        """Returns the cost of a call of `gradient` in full-data-equivalent gradients."""
        share = min(self.batch_size, posterior.num_data) / posterior.num_data
        return jnp.asarray(self.num_evaluations * share, jnp.float32)


def gradient_estimator(kind: GradientKind, batch_size: int) -> GradientEstimator:
    """Makes an estimator of the gradient of L_n.

    Args:
        kind: `minibatch`, the mean gradient g_B(w) of a random batch B; or `control_variate`, which is less noisy near
            w*: g_B(w) - g_B(w*) + g(w*).
        batch_size: Examples per batch.

    Reference:
        Baker et al. 2019 (arXiv 1706.05439), eq. 3.
    """
    if kind == "minibatch":
        return GradientEstimator(lambda posterior: (), _plain(batch_size), 1, batch_size)
    return GradientEstimator(_full_gradient_at_center, _controlled(batch_size), 2, batch_size)


def _plain(batch_size: int) -> Callable[..., Array]:
    def gradient(rng_key: Array, position: Array, anchor: Any, posterior: Posterior) -> Array:
        del anchor
        return jax.grad(posterior.minibatch_loss)(position, random_batch(rng_key, posterior.data, batch_size))

    return gradient


def _controlled(batch_size: int) -> Callable[..., Array]:
    def gradient(rng_key: Array, position: Array, anchor: Array, posterior: Posterior) -> Array:
        batch = random_batch(rng_key, posterior.data, batch_size)
        at_position = jax.grad(posterior.minibatch_loss)(position, batch)
        return at_position - jax.grad(posterior.minibatch_loss)(posterior.center, batch) + anchor

    return gradient


def _full_gradient_at_center(posterior: Posterior) -> Array:
    return jax.grad(lambda w: posterior.loss(w).astype(w.dtype))(posterior.center)


def random_batch(rng_key: Key[Array, ""], data: PyTree, batch_size: int) -> PyTree:
    """Draws `batch_size` examples uniformly with replacement; all examples, in order, when it is n or more."""
    num_data = jax.tree.leaves(data)[0].shape[0]
    if batch_size >= num_data:
        return data
    indices = counter.indices(rng_key, batch_size, num_data)
    return jax.tree.map(lambda x: x[indices], data)


def noise_like(rng_key: Key[Array, ""], position: Float[Array, " d"]) -> Float[Array, " d"]:
    """Draws the standard normal noise of a step, shape (d,), independent of the batch that the same key draws."""
    return counter.normal(rng_key, position.shape[0], position.dtype, stream=1)


def logdensity_gradient(
    loss_gradient: Float[Array, " d"], position: Float[Array, " d"], posterior: Posterior
) -> Float[Array, " d"]:
    """Returns the gradient of log p, -n beta g - gamma (w - w*), from a gradient g of L_n."""
    return -posterior.n_beta * loss_gradient - posterior.localization_gradient(position)


def excess_kinetic_energy(
    momentum: Float[Array, " d"], noise: Float[Array, " d"], c: Float[Array, ""]
) -> Float[Array, ""]:
    """Returns |p|^2 - d - Z/(1 - c^2), whose mean is that of |p|^2 - d, at far less variance (see `baoab`).

    Args:
        momentum: p, before it becomes c p + sqrt(1 - c^2) xi.
        noise: xi, standard normal.
        c: The share of the momentum that is kept.
    """
    decaying_noise = jnp.sum(noise**2 + 2 * c / jnp.sqrt(1 - c**2) * momentum * noise)
    return jnp.sum(momentum**2) - decaying_noise


def virial(
    logdensity_gradient: Float[Array, " d"], position: Float[Array, " d"], posterior: Posterior
) -> Float[Array, ""]:
    """Returns (w - w*)'grad U from the gradient of log p, or of an estimate independent of the position."""
    return -jnp.vdot(position - posterior.center, logdensity_gradient)


# Cost of a pass over the data without gradients, in full-data-equivalent gradients.
LOSS_GRADIENTS = 1 / 3


def step_info(num_gradients: Array, heat: Array, check: Array, virial: Array) -> StepInfo:
    """Makes the report of a step, which diverged if `check` is not finite."""
    nan = jnp.full((), jnp.nan, jnp.float32)
    return StepInfo(
        num_gradients=num_gradients,
        acceptance_rate=nan,
        energy=nan,
        energy_change=nan,
        heat=jnp.asarray(heat, jnp.float32),
        virial=jnp.asarray(virial, jnp.float32),
        is_divergent=~jnp.isfinite(check),
    )


def minibatch_kernel(init: Callable[..., Any], step: Callable[..., Any], adapt: Any = None) -> Kernel:
    """Makes a kernel of functions whose state holds w as `position`; its full-data loss costs a pass over the data."""
    return Kernel(
        init=init,
        step=step,
        position=lambda state, posterior, hyper: state.position,
        centered_loss=lambda state, posterior, hyper: posterior.centered_loss(state.position),
        loss_gradients=LOSS_GRADIENTS,
        adapt=adapt,
    )
