"""Deep linear network without biases (Aoyagi 2024, Neural Networks 172, 106132).

output = W_L ... W_1 x
"""

import math
from typing import TYPE_CHECKING, Literal

from llcray.architectures.network import Network, product_sizes
from llcray.components.structure import Structure
from llcray.variant import Count

if TYPE_CHECKING:
    from flax import nnx


class DeepLinear(Network):
    """A product of matrices, `hidden_0`, ..., `output`, each of shape (inputs, outputs) as flax has them.

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
        from llcray.architectures.modules import Perceptron

        return Perceptron(
            math.prod(input_shape),
            self.widths,
            num_outputs,
            activation="identity",
            bias=False,
            layer_norm=False,
            initializers=self.initializers(),
            rngs=rngs,
        )
