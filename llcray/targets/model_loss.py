"""Per-example loss of a network and a likelihood; equal by value, so compiled programs are shared between targets."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from llcray.architectures import Network
from llcray.array_types import PyTree
from llcray.likelihoods import LIKELIHOODS


@dataclass(frozen=True)
class ModelLoss:
    """`loss(params, batch) -> (batch,)`: negative log-likelihoods in nats.

    A batch is `{"x": inputs, "y": labels, "likelihood": coefficients}`; it is cast to the precision of the parameters.

    Attributes:
        network: The function computed (`Network.forward`: no initial weights, widths spelled out).
        likelihood: Kind of the likelihood; its numbers are in the batch.
        input_shape: Shape of one input.
        num_outputs: Length of one output.
    """

    network: Network
    likelihood: str
    input_shape: tuple[int, ...]
    num_outputs: int

    def __call__(self, params: PyTree, batch: PyTree) -> jax.Array:
        """Losses of the examples of a batch."""
        outputs = self.outputs(params, batch["x"])
        coefficients = jnp.asarray(batch["likelihood"], outputs.dtype)
        y = jnp.asarray(batch["y"])
        labels = y.astype(outputs.dtype) if jnp.issubdtype(y.dtype, jnp.floating) else y
        return LIKELIHOODS[self.likelihood].nll(outputs, labels, coefficients)

    def outputs(self, params: PyTree, x: Any) -> jax.Array:
        """Outputs of the network (batch, num_outputs)."""
        dtype = jax.tree.leaves(params)[0].dtype
        module = self.module(params)
        x = jnp.asarray(x)
        return module(x if jnp.issubdtype(x.dtype, jnp.integer) else x.astype(dtype))

    def module(self, params: PyTree) -> Any:
        """The network with these parameters."""
        return nnx.merge(_graph(self), params)

    def abstract_params(self) -> PyTree:
        """The parameters' nested dict of names, with shapes instead of arrays."""
        return nnx.to_pure_dict(nnx.state(_abstract_module(self), nnx.Param))


def initial_params(network: Network, input_shape: tuple[int, ...], num_outputs: int, seed: int) -> PyTree:
    """Initial weights as nested dicts of float32 arrays, `{"hidden_0": {"kernel": ...}, ...}`."""
    module = network.build(input_shape, num_outputs, nnx.Rngs(jax.random.key(seed)))
    return nnx.to_pure_dict(nnx.state(module, nnx.Param))


@cache
def _graph(loss: ModelLoss) -> Any:
    return nnx.split(_abstract_module(loss))[0]


def _abstract_module(loss: ModelLoss) -> nnx.Module:
    return nnx.eval_shape(lambda: loss.network.build(loss.input_shape, loss.num_outputs, nnx.Rngs(0)))
