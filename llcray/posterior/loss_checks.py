"""Checks of a loss before it is sampled: what it returns, and that each loss is of one example alone."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from llcray.array_types import Array
from llcray.posterior.density import Posterior

NUM_TOGETHER, NUM_APART = 8, 4
"""Examples whose losses are evaluated together; the first of them are evaluated again alone, in the reverse order."""
SHARE_OF_SPREAD, SHARE_OF_SIZE = 1e-3, 1e-5
"""Difference between the two, as a share of the losses' range and of their size, that rounding may cause."""
COARSER = 30.0
"""Factor of these where the loss computes in less than float64."""
NEGLIGIBLE = 1e-9
"""Nats. Losses of an exact fit are rounding alone, and so are their differences."""
APART_FROM_CENTER = 0.01
"""Distance of the place beside w* where the losses of an exact fit are no rounding, as a share of the size of w*."""


def check_single_examples(posterior: Posterior) -> float:
    """Refuses a loss whose value for an example depends on its batch: on other examples there, or on its place.

    Losses are compared at w* and at a place beside it, since they may all be zero at w*.

    Such a loss is no function of single examples, and its mean over a minibatch is no estimate of its mean over all.

    Args:
        posterior: The posterior in float64.

    Returns:
        The mean size of the losses of the first examples at w*, nats.

    Raises:
        ValueError: The loss of an example changes with its batch.
    """
    num_together = min(NUM_TOGETHER, posterior.num_data)
    few = replace(posterior, data=jax.tree.map(lambda x: x[:num_together], posterior.data), probe=None)
    num_apart = min(NUM_APART, num_together)
    at_places = [(np.asarray(together), np.asarray(apart)) for together, apart in _losses_twice(num_apart, few)]
    for together, apart in at_places:
        _refuse_difference(together, apart)
    return float(np.abs(at_places[0][0].astype(np.float64)).mean())


def _refuse_difference(together: np.ndarray, apart: np.ndarray) -> None:
    """Refuses losses of the same examples that differ by more than rounding; losses that are not finite pass."""
    coarser = 1.0 if together.dtype == np.float64 else COARSER
    together, apart = together.astype(np.float64), apart.astype(np.float64)
    if not np.isfinite(together).all():
        return
    rounding = coarser * (SHARE_OF_SPREAD * np.ptp(together) + SHARE_OF_SIZE * np.abs(together).max() + NEGLIGIBLE)
    difference = np.abs(together[: len(apart)] - apart)
    if not (difference <= rounding).all():
        worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
        raise ValueError(
            f"loss_fn depends on the batch: example {worst} has loss {together[worst]:.6g} among {len(together)} "
            f"examples and {apart[worst]:.6g} among {len(apart)} in another order. A loss must be of one example "
            "alone: put the model into evaluation mode (model.eval(), no dropout, running statistics in BatchNorm), "
            "and take no mean over the batch."
        )


@partial(jax.jit, static_argnums=0)
def _losses_twice(num_apart: int, posterior: Posterior) -> list[tuple[Array, Array]]:
    apart = jax.tree.map(lambda x: x[:num_apart][::-1], posterior.data)
    center = posterior.center
    direction = jax.random.normal(jax.random.key(0), center.shape, center.dtype)
    beside = center + APART_FROM_CENTER * jnp.sqrt(jnp.mean(center**2)) * direction
    return [
        (posterior.losses(place, posterior.data), posterior.losses(place, apart)[::-1]) for place in (center, beside)
    ]
