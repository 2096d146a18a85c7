"""What every architecture has: an activation, biases and an initial distribution of its weights."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from llcray.components.structure import Structure
from llcray.variant import NonNegativeFloat, PositiveFloat, Variant

if TYPE_CHECKING:
    from flax import nnx

Activation = Literal["relu", "tanh", "gelu", "gelu_tanh", "silu", "softplus", "identity"]
Initialization = Literal[
    "lecun_normal", "lecun_uniform", "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "orthogonal"
]


class Network(Variant):
    """Base of the architectures.

    Attributes:
        initialization: Distribution of the initial weights, by the field's names (LeCun: variance 1/fan_in; He:
            2/fan_in; Glorot: 2/(fan_in + fan_out)).
        gain: Factor on the initial weights (on their standard deviation).
        bias_scale: Standard deviation of the initial biases, which are normal; 0 starts them at zero.
    """

    initialization: Initialization = "lecun_normal"
    gain: PositiveFloat = 1.0
    bias_scale: NonNegativeFloat = 0.0

    def forward(self, input_shape: tuple[int, ...], num_outputs: int) -> "Network":
        """The part of the spec that the function computed from given weights depends on.

        Networks that differ in their initial weights alone share it, and with it their compiled programs.
        """
        del input_shape, num_outputs
        return self.model_copy(update={"initialization": "lecun_normal", "gain": 1.0, "bias_scale": 0.0})

    def build(self, input_shape: tuple[int, ...], num_outputs: int, rngs: "nnx.Rngs") -> "nnx.Module":
        """A flax module with initial weights; call it on a batch of inputs for a batch of outputs.

        Args:
            input_shape: Shape of one input, without the batch axis.
            num_outputs: Length of one output.
            rngs: Source of the initial weights.
        """
        raise NotImplementedError

    def signature(self) -> Any:
        """JSON-ready value that is equal for networks of one shape, whatever their initial weights."""
        return self.model_dump(mode="json", exclude={"initialization", "gain", "bias_scale"})

    def structure(self) -> Structure:
        """Numbers of layers and heads that components can name, where the network has them."""
        return Structure()

    def approximate_size(self, num_inputs: int, num_outputs: int) -> int:
        """About the number of parameters, for predictions of cost."""
        return num_inputs * num_outputs

    def initializers(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """JAX initializers of the weights and of the biases."""
        from jax.nn import initializers

        variance_scaling = {
            "lecun_normal": (1.0, "fan_in", "truncated_normal"),
            "lecun_uniform": (1.0, "fan_in", "uniform"),
            "he_normal": (2.0, "fan_in", "truncated_normal"),
            "he_uniform": (2.0, "fan_in", "uniform"),
            "glorot_normal": (1.0, "fan_avg", "truncated_normal"),
            "glorot_uniform": (1.0, "fan_avg", "uniform"),
        }
        if self.initialization == "orthogonal":
            weights = initializers.orthogonal(scale=self.gain)
        else:
            scale, mode, distribution = variance_scaling[self.initialization]
            weights = initializers.variance_scaling(scale * self.gain**2, mode, distribution)  # pyright: ignore[reportArgumentType]
        biases = initializers.normal(self.bias_scale) if self.bias_scale > 0 else initializers.zeros
        return weights, biases


def product_sizes(widths: tuple[int, ...]) -> int:
    """Number of entries of the matrices between layers of these widths."""
    return sum(before * after for before, after in pairwise(widths))
