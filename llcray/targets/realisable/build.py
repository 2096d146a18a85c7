"""Builds networks that are their own teachers, and counts the directions in which their outputs move."""

import math
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from llcray.architectures import Network
from llcray.array_types import PyTree
from llcray.data import SyntheticData
from llcray.jax_settings import own_settings
from llcray.likelihoods import GaussianLikelihood
from llcray.targets.model_loss import ModelLoss, initial_params
from llcray.targets.random_streams import generator, jax_seed
from llcray.targets.target import Target, TargetFacts, TrueLLC
from llcray.training.minimize import loss_and_gradient_norm

# The rank over this many times d outputs is that over all of them, unless examples were chosen to defeat it.
ROWS_PER_PARAMETER = 4
# The Jacobian has 4 d rows; all gradients of a batch at once are far more.
MOST_PARAMETERS = 2000
# Relative size of the displacement at which the rank nearby is counted.
NEARBY = 1e-2


def build_realisable(network: Network, inputs: SyntheticData, noise_scale: float, seed: int) -> Target:
    """A network at initial weights, with its own outputs for labels.

    Args:
        network: The network.
        inputs: Distribution of its inputs.
        noise_scale: Standard deviation of the Gaussian likelihood.
        seed: Varies inputs and weights.
    """
    x = inputs.inputs(generator("data", seed, inputs), inputs.num_data)
    shape, outputs = x.shape[1:], inputs.output_dimension
    loss = ModelLoss(network.forward(shape, outputs), "gaussian", shape, outputs)
    with own_settings(float64=True):
        weights_seed = jax_seed("teacher", seed, network, list(shape), outputs)
        params = initial_params(network, shape, outputs, weights_seed)
        params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
        y = np.asarray(jax.jit(loss.outputs)(params, x))
        data = {"x": x, "y": y, "likelihood": GaussianLikelihood(scale=noise_scale).coefficients(x)}
        at_center, gradient_norm = loss_and_gradient_norm(loss, "float64", params, data)
    return Target(
        params=params,
        loss_fn=loss,
        data=data,
        oracle=JacobianRankOracle(loss, params, x),
        facts=TargetFacts(loss_at_center=float(at_center), gradient_norm_at_center=float(gradient_norm)),
    )


@dataclass(frozen=True, eq=False)
class JacobianRankOracle:
    """Half the rank of the Jacobian of the outputs over the data, where that rank is constant near w*.

    There the functions reached form a manifold of that dimension, on which the model is regular. The rank can only grow
    away from w*, so it is constant if it is the same at a nearby point drawn at random.
    """

    loss: ModelLoss
    params: PyTree
    x: np.ndarray

    @cached_property
    def ranks(self) -> tuple[int, int]:
        """Ranks at w* and nearby."""
        with own_settings(float64=True):
            center, restore = ravel_pytree(jax.tree.map(jnp.asarray, self.params))
            num_examples = math.ceil(ROWS_PER_PARAMETER * center.size / self.loss.num_outputs)
            x = jnp.asarray(self.x[:num_examples])
            jacobian = jax.jit(jax.jacrev(lambda w: self.loss.outputs(restore(w), x).reshape(-1)))
            step = np.random.default_rng(0).standard_normal(center.size)
            nearby = center + NEARBY * jnp.linalg.norm(center) * step / np.linalg.norm(step)
            at_center, close_by = (int(np.linalg.matrix_rank(np.asarray(jacobian(w)))) for w in (center, nearby))
            return at_center, close_by

    def asymptotic(self) -> TrueLLC | None:
        """Half the rank; None where the rank is smaller at w* than nearby, or the Jacobian is too large to count it."""
        if sum(np.size(leaf) for leaf in jax.tree.leaves(self.params)) > MOST_PARAMETERS:
            return None
        at_center, nearby = self.ranks
        if at_center < nearby:
            return None
        return TrueLLC(at_center / 2, "local", "half the rank of the Jacobian of the outputs over the data", 1)

    def at_temperature(self, n_beta: float, localization: float) -> None:
        del n_beta, localization
