"""The base of the architectures: activations, and the distribution of the initial weights."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from llcray.components.structure import Structure
from llcray.variant import NonNegativeFloat, PositiveFloat, Variant

if TYPE_CHECKING:
    from flax import nnx

Activation = Literal["relu", "tanh", "gelu", "gelu_tanh", "silu", "softplus", "identity"]
Pooling = Literal["average", "max", "none"]
Norm = Literal["layer_norm", "rms_norm", "none"]
Positions = Literal["learned", "shortformer", "none"]
Readout = Literal["last", "all", "every_other"]
Initialization = Literal[
    "lecun_normal", "lecun_uniform", "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "orthogonal"
]


class Initializers(NamedTuple):
    """JAX initializers: functions of a PRNG key and a shape.

    Attributes:
        weights: Initializer of the weights.
        biases: Initializer of the biases.
    """

    weights: Callable[..., Any]
    biases: Callable[..., Any]


class Network(Variant):
    """Base of the architectures.

    Attributes:
        initialization: Distribution of the initial weights, by its usual name (LeCun: variance 1/fan_in; He: 2/fan_in;
            Glorot: 2/(fan_in + fan_out)).
        gain: Factor on the standard deviation of the initial weights.
        bias_scale: Standard deviation of the initial biases, which are normal; 0 starts them at zero.
    """

    initialization: Initialization = "lecun_normal"
    gain: PositiveFloat = 1.0
    bias_scale: NonNegativeFloat = 0.0

    def forward(self, input_shape: tuple[int, ...], num_outputs: int) -> "Network":
        """The spec without the fields that concern initial weights only.

        Networks that compute one function of weights and inputs are equal in this form, and share compiled programs.
        """
        del input_shape, num_outputs
        return self.model_copy(update={"initialization": "lecun_normal", "gain": 1.0, "bias_scale": 0.0})

    def build(self, input_shape: tuple[int, ...], num_outputs: int, rngs: "nnx.Rngs") -> "nnx.Module":
        """A flax module with initial weights, which maps a batch of inputs to a batch of outputs.

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

    def initializers(self) -> Initializers:
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
        return Initializers(weights, biases)


def product_sizes(widths: tuple[int, ...]) -> int:
    """Number of entries of the matrices between layers of these widths."""
    return sum(before * after for before, after in pairwise(widths))
