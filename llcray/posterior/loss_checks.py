"""Checks of a loss before it is sampled: what it returns, and that each loss is of one example alone."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np

from llcray.posterior.density import Posterior
from llcray.types import Array

NUM_TOGETHER, NUM_APART = 8, 4
"""Examples whose losses are evaluated together; the first of them are evaluated again alone, in the reverse order."""
SHARE_OF_SPREAD, SHARE_OF_SIZE = 1e-3, 1e-5
"""Difference between the two, as a share of the losses' range and of their size, that rounding may cause."""
COARSER = 30.0
"""Factor of these where the loss computes in less than float64."""


def check_single_examples(posterior: Posterior) -> float:
    """Refuses a loss whose value for an example depends on its batch: on other examples there, or on its place.

    Such a loss is no function of single examples, and its mean over a minibatch is no estimate of its mean over all.

    Args:
        posterior: The posterior in float64.

    Returns:
        The mean size of the losses of the first examples, nats.

    Raises:
        ValueError: The loss of an example changes with its batch.
    """
    num_together = min(NUM_TOGETHER, posterior.num_data)
    few = replace(posterior, data=jax.tree.map(lambda x: x[:num_together], posterior.data), probe=None)
    num_apart = min(NUM_APART, num_together)
    together, apart = map(np.asarray, _losses_twice(num_apart, few))
    coarser = 1.0 if together.dtype == np.float64 else COARSER
    together, apart = together.astype(np.float64), apart.astype(np.float64)
    rounding = coarser * (SHARE_OF_SPREAD * np.ptp(together) + SHARE_OF_SIZE * np.abs(together).max())
    difference = np.abs(together[:num_apart] - apart)
    if np.isfinite(together).all() and not (difference <= rounding).all():
        worst = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
        raise ValueError(
            f"loss_fn depends on the batch: example {worst} has loss {together[worst]:.6g} among {num_together} "
            f"examples and {apart[worst]:.6g} among {num_apart} in another order. A loss must be of one example "
            "alone: put the model into evaluation mode (model.eval(), no dropout, running statistics in BatchNorm), "
            "and take no mean over the batch."
        )
    return float(np.abs(together).mean())


@partial(jax.jit, static_argnums=0)
def _losses_twice(num_apart: int, posterior: Posterior) -> tuple[Array, Array]:
    apart = jax.tree.map(lambda x: x[:num_apart][::-1], posterior.data)
    return posterior.losses(posterior.center, posterior.data), posterior.losses(posterior.center, apart)[::-1]
