"""Convolutional network: blocks of convolution, activation and pooling, then dense layers."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from llcray.architectures.network import Activation, Network, Pooling, product_sizes
from llcray.components.structure import Structure
from llcray.variant import Count

if TYPE_CHECKING:
    from flax import nnx


class ConvNet(Network):
    """A convolutional network on images (height, width, channels).

    Attributes:
        channels: Output channels of each convolution (zero padding that keeps the size, stride 1).
        kernel_size: Side of the square kernels.
        pooling: Pooling that halves height and width after each convolution; `none` keeps them.
        widths: Widths of the dense hidden layers between the last convolution and the output.
        activation: Activation after each convolution and each dense hidden layer.
        bias: Whether layers have biases.
    """

    kind: Literal["convnet"] = "convnet"
    channels: Annotated[tuple[Count, ...], Field(min_length=1)] = (8, 16)
    kernel_size: Count = 3
    pooling: Pooling = "average"
    widths: tuple[Count, ...] = ()
    activation: Activation = "relu"
    bias: bool = True

    def structure(self) -> Structure:
        return Structure(len(self.widths))

    def approximate_size(self, num_inputs: int, num_outputs: int) -> int:
        return product_sizes((num_inputs, *self.widths, num_outputs))

    def build(self, input_shape: tuple[int, ...], num_outputs: int, rngs: "nnx.Rngs") -> "nnx.Module":
        from llcray.architectures.modules import Convolutional

        if len(input_shape) != 3:
            raise ValueError(
                f"convnet needs images (height, width, channels); inputs have shape {input_shape}. Use kind: mlp."
            )
        height, width, channels = input_shape
        return Convolutional(
            (height, width, channels),
            num_outputs,
            channels=self.channels,
            kernel_size=self.kernel_size,
            pooling=self.pooling,
            widths=self.widths,
            activation=self.activation,
            bias=self.bias,
            initializers=self.initializers(),
            rngs=rngs,
        )
