"""Multi-layer perceptron.

h_0 = x,    h_s = act(norm(W_s h_{s-1} + b_s)),    output = W h_depth + b
"""

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from llcray.architectures.network import Activation, Network, product_sizes
from llcray.components.structure import Structure
from llcray.variant import Count

if TYPE_CHECKING:
    from flax import nnx


class MLP(Network):
    """A multi-layer perceptron on inputs of any shape, which are flattened.

    Give either `widths`, or `depth` and `num_params`. Layers are `hidden_0`, ..., `output`, norms `norm_0`, ...

    Attributes:
        widths: Widths of the hidden layers; an empty list is a linear model.
        depth: Number of hidden layers, all equally wide.
        num_params: Number of parameters aimed at; the width that comes nearest is taken.
        activation: Activation after each hidden layer; `gelu` is exact, `gelu_tanh` its approximation.
        bias: Whether layers have biases.
        layer_norm: Whether each hidden layer is normalised before its activation.
    """

    kind: Literal["mlp"] = "mlp"
    widths: tuple[Count, ...] | None = None
    depth: Count | None = None
    num_params: Count | None = None
    activation: Activation = "relu"
    bias: bool = True
    layer_norm: bool = False

    @model_validator(mode="after")
    def _check_one_way_to_say_the_widths(self) -> Self:
        if self.widths is None and (self.depth is None or self.num_params is None):
            raise ValueError("the mlp has no widths: give `widths`, or both `depth` and `num_params`")
        if self.widths is not None and (self.depth is not None or self.num_params is not None):
            raise ValueError("the mlp's widths are given twice: give `widths`, or `depth` and `num_params`, not both")
        return self

    def hidden_widths(self, num_inputs: int, num_outputs: int) -> tuple[int, ...]:
        """Widths of the hidden layers for given numbers of inputs and outputs."""
        if self.widths is not None:
            return self.widths
        assert self.depth is not None and self.num_params is not None
        return (self._nearest_width(num_inputs, num_outputs),) * self.depth

    def count(self, num_inputs: int, widths: tuple[int, ...], num_outputs: int) -> int:
        """Number of parameters of the perceptron of given widths."""
        sizes = (num_inputs, *widths, num_outputs)
        weights = sum(before * after for before, after in pairwise(sizes))
        return weights + self.bias * sum(sizes[1:]) + self.layer_norm * 2 * sum(widths)

    def _nearest_width(self, num_inputs: int, num_outputs: int) -> int:
        """The width of the hidden layers whose count of parameters is nearest to `num_params`.

        The count is quadratic and increasing in the width, so one of the two integers beside its root is nearest.
        """
        assert self.depth is not None and self.num_params is not None
        depth, aim = self.depth, self.num_params

        def distance(width: int) -> int:
            return abs(self.count(num_inputs, (width,) * depth, num_outputs) - aim)

        quadratic = depth - 1
        linear = num_inputs + num_outputs + depth * (self.bias + 2 * self.layer_norm)
        excess = aim - self.bias * num_outputs
        if excess <= 0:
            return 1
        root = excess / linear
        if quadratic:
            root = (-linear + math.sqrt(linear**2 + 4 * quadratic * excess)) / (2 * quadratic)
        return min((max(1, math.floor(root)), max(1, math.ceil(root))), key=distance)

    def forward(self, input_shape: tuple[int, ...], num_outputs: int) -> Network:
        widths = self.hidden_widths(math.prod(input_shape), num_outputs)
        bare = super().forward(input_shape, num_outputs)
        return bare.model_copy(update={"widths": widths, "depth": None, "num_params": None})

    def structure(self) -> Structure:
        return Structure(self.depth if self.widths is None else len(self.widths))

    def approximate_size(self, num_inputs: int, num_outputs: int) -> int:
        if self.num_params is not None:
            return self.num_params
        return product_sizes((num_inputs, *(self.widths or ()), num_outputs))

    def build(self, input_shape: tuple[int, ...], num_outputs: int, rngs: "nnx.Rngs") -> "nnx.Module":
        from llcray.architectures.modules import Perceptron

        num_inputs = math.prod(input_shape)
        return Perceptron(
            num_inputs,
            self.hidden_widths(num_inputs, num_outputs),
            num_outputs,
            activation=self.activation,
            bias=self.bias,
            layer_norm=self.layer_norm,
            initializers=self.initializers(),
            rngs=rngs,
        )
