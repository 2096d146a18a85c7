"""The flax modules that the architecture specs build. Parameters have names: `hidden_0/kernel`, `output/bias`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from llcray.architectures.convnet import ConvNet
from llcray.architectures.mlp import MLP
from llcray.architectures.network import Activation, Network
from llcray.architectures.tied_autoencoder import TiedAutoencoder

Shape3 = tuple[int, int, int]


def activation_fn(name: Activation) -> Callable[[Any], Any]:
    """The function an activation's name means."""
    functions: dict[Activation, Callable[[Any], Any]] = {
        "relu": jax.nn.relu,
        "tanh": jnp.tanh,
        "gelu": lambda x: jax.nn.gelu(x, approximate=False),
        "gelu_tanh": lambda x: jax.nn.gelu(x, approximate=True),
        "silu": jax.nn.silu,
        "softplus": jax.nn.softplus,
        "identity": lambda x: x,
    }
    return functions[name]


def dense(spec: Network, num_inputs: int, num_outputs: int, bias: bool, rngs: nnx.Rngs) -> nnx.Linear:
    """A dense layer with the spec's initial weights."""
    weights, biases = spec.initializers()
    return nnx.Linear(num_inputs, num_outputs, use_bias=bias, kernel_init=weights, bias_init=biases, rngs=rngs)


class Perceptron(nnx.Module):
    """See `llcray.architectures.mlp`."""

    def __init__(self, spec: MLP, num_inputs: int, widths: tuple[int, ...], num_outputs: int, rngs: nnx.Rngs) -> None:
        """Make the layers."""
        self.activation: Activation = spec.activation
        self.depth = len(widths)
        self.layer_norm = spec.layer_norm
        sizes = (num_inputs, *widths)
        for layer, width in enumerate(widths):
            setattr(self, f"hidden_{layer}", dense(spec, sizes[layer], width, spec.bias, rngs))
            if spec.layer_norm:
                setattr(self, f"norm_{layer}", nnx.LayerNorm(width, rngs=rngs))
        self.output = dense(spec, sizes[-1], num_outputs, spec.bias, rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Outputs of a batch of inputs."""
        act = activation_fn(self.activation)
        h = x.reshape(x.shape[0], -1)
        for layer in range(self.depth):
            h = getattr(self, f"hidden_{layer}")(h)
            if self.layer_norm:
                h = getattr(self, f"norm_{layer}")(h)
            h = act(h)
        return self.output(h)


class PatchConv(nnx.Module):
    """A convolution as one matrix product over shifted copies of the image.

    Under `vmap` over parameters this stays a batched matrix product, where XLA's convolution becomes a grouped one: on
    a CPU, gradients of 4 chains of an (8, 16) convnet cost the same in float32 and 1.7 to 2.5 times less in float64.
    The kernel has flax's shape (side, side, in, out).
    """

    def __init__(self, spec: ConvNet, num_inputs: int, num_outputs: int, rngs: nnx.Rngs) -> None:
        """Make the kernel."""
        weights, biases = spec.initializers()
        side = spec.kernel_size
        self.side = side
        self.kernel = nnx.Param(weights(rngs.params(), (side, side, num_inputs, num_outputs)))
        if spec.bias:
            self.bias = nnx.Param(biases(rngs.params(), (num_outputs,)))
        self.has_bias = spec.bias

    def __call__(self, x: jax.Array) -> jax.Array:
        """The image convolved, of the same height and width."""
        height, width = x.shape[1:3]
        before = (self.side - 1) // 2
        after = self.side - 1 - before
        padded = jnp.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
        shifts = [
            padded[:, row : row + height, column : column + width]
            for row in range(self.side)
            for column in range(self.side)
        ]
        patches = jnp.concatenate(shifts, axis=-1)
        out = patches @ self.kernel.reshape(-1, self.kernel.shape[-1])
        return out + self.bias if self.has_bias else out


class Convolutional(nnx.Module):
    """See `llcray.architectures.convnet`."""

    def __init__(self, spec: ConvNet, input_shape: Shape3, num_outputs: int, rngs: nnx.Rngs) -> None:
        """Make the layers."""
        self.activation: Activation = spec.activation
        self.pooling = spec.pooling
        self.num_convolutions = len(spec.channels)
        self.depth = len(spec.widths)
        height, width, channels = input_shape
        for layer, num_channels in enumerate(spec.channels):
            setattr(self, f"conv_{layer}", PatchConv(spec, channels, num_channels, rngs))
            channels = num_channels
            if spec.pooling != "none":
                height, width = height // 2, width // 2
        if height * width == 0:
            raise ValueError(
                f"convnet halves an image of {input_shape[0]} x {input_shape[1]} pixels {len(spec.channels)} times, "
                "which leaves nothing. Use fewer channels entries, or pooling: none."
            )
        sizes = (height * width * channels, *spec.widths)
        for layer, num_units in enumerate(spec.widths):
            setattr(self, f"hidden_{layer}", dense(spec, sizes[layer], num_units, spec.bias, rngs))
        self.output = dense(spec, sizes[-1], num_outputs, spec.bias, rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Outputs of a batch of images."""
        act = activation_fn(self.activation)
        h = x
        for layer in range(self.num_convolutions):
            h = self._pool(act(getattr(self, f"conv_{layer}")(h)))
        h = h.reshape(h.shape[0], -1)
        for layer in range(self.depth):
            h = act(getattr(self, f"hidden_{layer}")(h))
        return self.output(h)

    def _pool(self, x: jax.Array) -> jax.Array:
        """Halve height and width; a last odd row or column is dropped."""
        if self.pooling == "none":
            return x
        batch, height, width, channels = x.shape
        even = x[:, : height // 2 * 2, : width // 2 * 2]
        blocks = even.reshape(batch, height // 2, 2, width // 2, 2, channels)
        return blocks.mean((2, 4)) if self.pooling == "average" else blocks.max((2, 4))


class Tied(nnx.Module):
    """See `llcray.architectures.tied_autoencoder`."""

    def __init__(self, spec: TiedAutoencoder, num_features: int, rngs: nnx.Rngs) -> None:
        """Make W and b."""
        W, b = spec.initializers()[0](rngs.params(), (spec.width, num_features)), jnp.zeros(num_features)
        if spec.initial_polygon is not None:
            corner = jnp.arange(num_features)
            angles = 2 * jnp.pi * corner / spec.initial_polygon
            alive = corner < spec.initial_polygon
            noise = spec.initial_spread * jax.random.normal(rngs.params(), (3, num_features))
            W = jnp.where(alive, jnp.stack([jnp.cos(angles), jnp.sin(angles)]), 0.0) + noise[:2]
            b = jnp.where(alive, 0.0, -1.0) + noise[2]
        self.W, self.b = nnx.Param(W), nnx.Param(b)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Outputs of a batch of features."""
        x = x.reshape(x.shape[0], -1)
        return jax.nn.relu((x @ self.W[...].T) @ self.W[...] + self.b[...])
