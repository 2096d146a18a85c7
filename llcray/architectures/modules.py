"""The flax modules of networks of layers. Parameters have names: `hidden_0/kernel`, `output/bias`.

The specs of the architectures build these modules and pass them their fields.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from llcray.architectures.network import Activation, Initializers, Pooling

Shape3 = tuple[int, int, int]


def activation_fn(name: Activation) -> Callable[[Any], Any]:
    """The function that the name of an activation stands for."""
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


def dense(num_inputs: int, num_outputs: int, bias: bool, initializers: Initializers, rngs: nnx.Rngs) -> nnx.Linear:
    """A dense layer with initial weights."""
    return nnx.Linear(
        num_inputs,
        num_outputs,
        use_bias=bias,
        kernel_init=initializers.weights,
        bias_init=initializers.biases,
        rngs=rngs,
    )


class Perceptron(nnx.Module):
    """The network of `llcray.architectures.mlp`. Layers are `hidden_0`, ..., `output`, norms `norm_0`, ..."""

    def __init__(
        self,
        num_inputs: int,
        widths: Sequence[int],
        num_outputs: int,
        *,
        activation: Activation,
        bias: bool,
        layer_norm: bool,
        initializers: Initializers,
        rngs: nnx.Rngs,
    ) -> None:
        self.activation: Activation = activation
        self.depth = len(widths)
        self.layer_norm = layer_norm
        sizes = (num_inputs, *widths)
        for layer, width in enumerate(widths):
            setattr(self, f"hidden_{layer}", dense(sizes[layer], width, bias, initializers, rngs))
            if layer_norm:
                setattr(self, f"norm_{layer}", nnx.LayerNorm(width, rngs=rngs))
        self.output = dense(sizes[-1], num_outputs, bias, initializers, rngs)

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

    def __init__(
        self, num_inputs: int, num_outputs: int, *, side: int, bias: bool, initializers: Initializers, rngs: nnx.Rngs
    ) -> None:
        self.side = side
        self.kernel = nnx.Param(initializers.weights(rngs.params(), (side, side, num_inputs, num_outputs)))
        if bias:
            self.bias = nnx.Param(initializers.biases(rngs.params(), (num_outputs,)))
        self.has_bias = bias

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
    """The network of `llcray.architectures.convnet`. Layers are `conv_0`, ..., `hidden_0`, ..., `output`."""

    def __init__(
        self,
        input_shape: Shape3,
        num_outputs: int,
        *,
        channels: Sequence[int],
        kernel_size: int,
        pooling: Pooling,
        widths: Sequence[int],
        activation: Activation,
        bias: bool,
        initializers: Initializers,
        rngs: nnx.Rngs,
    ) -> None:
        self.activation: Activation = activation
        self.pooling: Pooling = pooling
        self.num_convolutions = len(channels)
        self.depth = len(widths)
        height, width, num_inputs = input_shape
        for layer, num_channels in enumerate(channels):
            conv = PatchConv(
                num_inputs, num_channels, side=kernel_size, bias=bias, initializers=initializers, rngs=rngs
            )
            setattr(self, f"conv_{layer}", conv)
            num_inputs = num_channels
            if pooling != "none":
                height, width = height // 2, width // 2
        if height * width == 0:
            raise ValueError(
                f"convnet halves an image of {input_shape[0]} x {input_shape[1]} pixels {len(channels)} times, "
                "which leaves nothing. Use fewer channels entries, or pooling: none."
            )
        sizes = (height * width * num_inputs, *widths)
        for layer, num_units in enumerate(widths):
            setattr(self, f"hidden_{layer}", dense(sizes[layer], num_units, bias, initializers, rngs))
        self.output = dense(sizes[-1], num_outputs, bias, initializers, rngs)

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
        """The image at half its height and width; a last odd row or column is dropped."""
        if self.pooling == "none":
            return x
        batch, height, width, channels = x.shape
        even = x[:, : height // 2 * 2, : width // 2 * 2]
        blocks = even.reshape(batch, height // 2, 2, width // 2, 2, channels)
        return blocks.mean((2, 4)) if self.pooling == "average" else blocks.max((2, 4))


class Tied(nnx.Module):
    """The network of `llcray.architectures.tied_autoencoder`. Parameters are `W` (width, features), `b` (features,)."""

    def __init__(
        self,
        num_features: int,
        *,
        width: int,
        initial_polygon: int | None,
        initial_spread: float,
        initializers: Initializers,
        rngs: nnx.Rngs,
    ) -> None:
        W, b = initializers.weights(rngs.params(), (width, num_features)), jnp.zeros(num_features)
        if initial_polygon is not None:
            corner = jnp.arange(num_features)
            angles = 2 * jnp.pi * corner / initial_polygon
            alive = corner < initial_polygon
            noise = initial_spread * jax.random.normal(rngs.params(), (3, num_features))
            W = jnp.where(alive, jnp.stack([jnp.cos(angles), jnp.sin(angles)]), 0.0) + noise[:2]
            b = jnp.where(alive, 0.0, -1.0) + noise[2]
        self.W, self.b = nnx.Param(W), nnx.Param(b)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Outputs of a batch of features."""
        x = x.reshape(x.shape[0], -1)
        return jax.nn.relu((x @ self.W[...].T) @ self.W[...] + self.b[...])
