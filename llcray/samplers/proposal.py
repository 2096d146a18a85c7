"""Parts of the samplers that draw independently from a proposal and weight their draws by posterior over proposal."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key

from llcray.array_types import Array
from llcray.posterior.density import Posterior
from llcray.posterior.lanczos import leading_curvatures
from llcray.samplers.kernel import GRADIENTS_PER_PRODUCT, Hyper, Kernel, StepInfo
from llcray.samplers.weighted import DRAW_GRADIENTS


class DrawState(NamedTuple):
    """The last draw of a chain.

    Attributes:
        position: w, shape (d,).
        centered_loss: L_n(w) - L_n(w*), nats.
        log_weight: Log of the posterior's over the proposal's density, nats, up to a constant of the run.
        log_volumes: Log of the volume of a ray below each epsilon of a ladder, shape (rung,); there may be 0.
    """

    position: Array
    centered_loss: Array
    log_weight: Array
    log_volumes: Array


def proposal_kernel(
    step: Callable[..., tuple[DrawState, StepInfo]], adapt: Callable[..., Any], num_volumes: int = 0
) -> Kernel:
    """Makes a kernel whose steps are independent draws, and whose adaptation fits the proposal once a run."""

    def init(rng_key: Array, position: Array, posterior: Posterior, hyper: Hyper) -> DrawState:
        del rng_key, hyper
        return DrawState(
            position,
            jnp.zeros((), posterior.loss_at_center.dtype),
            jnp.zeros((), position.dtype),
            jnp.zeros(num_volumes),
        )

    return Kernel(
        init=init,
        step=step,
        position=lambda state, posterior, hyper: state.position,
        centered_loss=lambda state, posterior, hyper: state.centered_loss,
        loss_gradients=0.0,
        adapt=adapt,
        adapts_once=True,
        log_weight=lambda state: state.log_weight,
        log_volumes=lambda state: state.log_volumes,
    )


def fit_curvatures(rng_key: Key[Array, ""], posterior: Posterior, rank: int) -> tuple[Hyper, Array]:
    """Fits Laplace's approximation: the leading eigenpairs of the Hessian of n beta L_n at w*.

    Args:
        rng_key: Key of the random vectors.
        posterior: The posterior.
        rank: Hessian-vector products; d where d is smaller.

    Returns:
        `vectors`, shape (rank, d), and `curvatures`, shape (rank,), none negative; and the number of gradients.
    """
    num_products = min(rank, posterior.num_sampled_params)
    vectors, curvatures = leading_curvatures(rng_key, posterior, num_products)
    fitted = {"vectors": vectors, "curvatures": jnp.maximum(curvatures, 0)}
    return fitted, jnp.asarray(GRADIENTS_PER_PRODUCT * num_products, jnp.float32)


def weighted_draw(
    posterior: Posterior, offset: Float[Array, " d"], log_proposal: Float[Array, ""]
) -> tuple[DrawState, StepInfo]:
    """Weights one draw w = w* + offset and makes the report of its step.

    Args:
        posterior: The posterior.
        offset: Shape (d,).
        log_proposal: Log-density of the proposal at the draw, up to a constant of the run.
    """
    position = posterior.center + offset
    loss, slope = jax.jvp(posterior.loss, (position,), (offset,))
    centered = loss - posterior.loss_at_center
    held = posterior.localization * jnp.sum(offset**2)
    log_weight = -(posterior.n_beta * centered + 0.5 * held) - log_proposal
    return DrawState(position, centered, log_weight, jnp.zeros(0)), draw_info(
        DRAW_GRADIENTS, posterior.n_beta * slope + held
    )


def draw_info(num_gradients: Array | float, virial: Array) -> StepInfo:
    """Makes the report of a draw, which has no step-size bias."""
    nan = jnp.full((), jnp.nan, jnp.float32)
    numbers = (num_gradients, nan, nan, nan, 0.0, virial)
    return StepInfo(*(jnp.asarray(x, jnp.float32) for x in numbers), is_divergent=jnp.zeros((), bool))
