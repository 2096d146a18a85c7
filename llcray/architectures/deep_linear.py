"""Deep linear network: output = W_L ... W_1 x, no biases (Aoyagi 2024, Neural Networks 172, 106132)."""

import math
from typing import TYPE_CHECKING, Literal

from llcray.architectures.network import Network, product_sizes
from llcray.components.structure import Structure
from llcray.variant import Count

if TYPE_CHECKING:
    from flax import nnx


class DeepLinear(Network):
    """A product of matrices.

    Attributes:
        widths: Widths of the hidden layers; an empty list is one matrix.
    """

    kind: Literal["deep_linear"] = "deep_linear"
    widths: tuple[Count, ...]

    def structure(self) -> Structure:
        return Structure(len(self.widths))

    def approximate_size(self, num_inputs: int, num_outputs: int) -> int:
        return product_sizes((num_inputs, *self.widths, num_outputs))

    def build(self, input_shape: tuple[int, ...], num_outputs: int, rngs: "nnx.Rngs") -> "nnx.Module":
        """See `Network.build`. Matrices are `hidden_0`, ..., `output`, each (inputs, outputs) as flax has them."""
        from llcray.architectures.mlp import MLP
        from llcray.architectures.modules import Perceptron

        linear = MLP(
            widths=self.widths,
            activation="identity",
            bias=False,
            initialization=self.initialization,
            gain=self.gain,
        )
        return Perceptron(linear, math.prod(input_shape), self.widths, num_outputs, rngs)
