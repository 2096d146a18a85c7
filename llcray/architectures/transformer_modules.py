"""The flax modules of the architectures on sequences. Parameters have names: `block_0/attention/query/kernel`."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from llcray.architectures.embedding_mlp import EmbeddingMLP
from llcray.architectures.modules import activation_fn, dense
from llcray.architectures.network import Activation
from llcray.architectures.transformer import Transformer


class Embedding(nnx.Module):
    """A row for each token, or for each position."""

    def __init__(self, num_rows: int, width: int, scale: float, rngs: nnx.Rngs) -> None:
        """Draw the rows, normal."""
        self.embedding = nnx.Param(scale * jax.random.normal(rngs.params(), (num_rows, width)))

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Rows of tokens (...,), as (..., width)."""
        return self.embedding[...][tokens]


class EmbeddingPerceptron(nnx.Module):
    """See `llcray.architectures.embedding_mlp`."""

    def __init__(self, spec: EmbeddingMLP, num_positions: int, num_outputs: int, rngs: nnx.Rngs) -> None:
        """Make the layers."""
        self.activation: Activation = spec.activation
        self.num_positions = num_positions
        self.embedding = Embedding(spec.vocabulary or num_outputs, spec.embedding_width, 1.0, rngs)
        for position in range(num_positions):
            setattr(self, f"position_{position}", dense(spec, spec.embedding_width, spec.width, spec.bias, rngs))
        self.output = dense(spec, spec.width, num_outputs, False, rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Outputs of a batch of tokens (batch, positions)."""
        embedded = self.embedding(x)
        h = sum(getattr(self, f"position_{t}")(embedded[:, t]) for t in range(self.num_positions))
        return self.output(activation_fn(self.activation)(h))


class Projection(nnx.Module):
    """A matrix between the stream and the heads: (width, heads, size), or back, with its bias."""

    def __init__(self, spec: Transformer, back: bool, rngs: nnx.Rngs) -> None:
        """Draw the kernel, as of one matrix."""
        weights, biases = spec.initializers()
        heads = (spec.num_heads, spec.width // spec.num_heads)
        shape, outputs = ((*heads, spec.width), (spec.width,)) if back else ((spec.width, *heads), heads)
        self.kernel = nnx.Param(weights(rngs.params(), (spec.width, spec.width)).reshape(shape))
        if spec.bias:
            self.bias = nnx.Param(biases(rngs.params(), outputs))
        self.has_bias = spec.bias
        self.sums = "bthd,hdw->btw" if back else "btw,whd->bthd"

    def __call__(self, x: jax.Array) -> jax.Array:
        """The product."""
        out = jnp.einsum(self.sums, x, self.kernel[...])
        return out + self.bias[...] if self.has_bias else out


class Attention(nnx.Module):
    """Softmax attention of all heads."""

    def __init__(self, spec: Transformer, rngs: nnx.Rngs) -> None:
        """Make the projections."""
        self.causal = spec.causal
        self.query, self.key, self.value = (Projection(spec, False, rngs) for _ in range(3))
        self.out = Projection(spec, True, rngs)

    def __call__(self, h: jax.Array, places: jax.Array) -> jax.Array:
        """What the heads write to the stream (batch, positions, width); `places` is added for queries and keys."""
        return self.out(jnp.einsum("bhqk,bkhd->bqhd", self.pattern(h, places), self.value(h)))

    def pattern(self, h: jax.Array, places: jax.Array) -> jax.Array:
        """Attention weights (batch, head, query, key)."""
        query, key = self.query(h + places), self.key(h + places)
        scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / math.sqrt(query.shape[-1])
        if self.causal:
            num = h.shape[1]
            scores = jnp.where(jnp.tril(jnp.ones((num, num), bool)), scores, -jnp.inf)
        return jax.nn.softmax(scores)


class FeedForward(nnx.Module):
    """Two layers at each position."""

    def __init__(self, spec: Transformer, rngs: nnx.Rngs) -> None:
        """Make the layers."""
        self.activation: Activation = spec.activation
        self.into = dense(spec, spec.width, spec.mlp_width, spec.bias, rngs)
        self.back = dense(spec, spec.mlp_width, spec.width, spec.bias, rngs)

    def __call__(self, h: jax.Array) -> jax.Array:
        """What the layer writes to the stream."""
        return self.back(activation_fn(self.activation)(self.into(h)))


class Block(nnx.Module):
    """Attention, then MLP, each on the normalised stream."""

    def __init__(self, spec: Transformer, rngs: nnx.Rngs) -> None:
        """Make the parts."""
        self.norm_attention = norm(spec, rngs)
        self.attention = Attention(spec, rngs)
        self.has_mlp = spec.mlp_width > 0
        if self.has_mlp:
            self.norm_mlp = norm(spec, rngs)
            self.mlp = FeedForward(spec, rngs)

    def __call__(self, h: jax.Array, places: jax.Array) -> jax.Array:
        """The stream after the block."""
        h = h + self.attention(self.norm_attention(h), places)
        return h + self.mlp(self.norm_mlp(h)) if self.has_mlp else h


class Unchanged(nnx.Module):
    """No norm."""

    def __call__(self, h: jax.Array) -> jax.Array:
        """The stream itself."""
        return h


def norm(spec: Transformer, rngs: nnx.Rngs) -> Any:
    """The norm a spec asks for."""
    if spec.norm == "none":
        return Unchanged()
    return (nnx.LayerNorm if spec.norm == "layer_norm" else nnx.RMSNorm)(spec.width, rngs=rngs)


class Decoder(nnx.Module):
    """See `llcray.architectures.transformer`."""

    def __init__(self, spec: Transformer, input_shape: tuple[int, ...], num_outputs: int, rngs: nnx.Rngs) -> None:
        """Make the layers."""
        self.num_layers = spec.num_layers
        self.positions = spec.positions
        self.readout = spec.readout
        if spec.inputs == "tokens":
            self.embedding = Embedding(spec.vocabulary or num_outputs, spec.width, spec.embedding_scale, rngs)
        else:
            self.embedding = dense(spec, input_shape[-1], spec.width, spec.bias, rngs)
        if spec.positions != "none":
            self.position_embedding = Embedding(input_shape[0], spec.width, spec.embedding_scale, rngs)
        for layer in range(spec.num_layers):
            setattr(self, f"block_{layer}", Block(spec, rngs))
        self.norm_output = norm(spec, rngs)
        num_read = (input_shape[0] + 1) // 2 if spec.readout == "every_other" else 1
        self.output = dense(spec, spec.width, num_outputs // num_read, False, rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Outputs (batch, outputs), or (batch, positions, outputs) of readout `all`."""
        out = self.output(self.features(x))
        return out.reshape(x.shape[0], -1) if self.readout == "every_other" else out

    def features(self, x: jax.Array) -> jax.Array:
        """What the output matrix reads (batch, ..., width)."""
        h, places = self.stream(x)
        for layer in range(self.num_layers):
            h = getattr(self, f"block_{layer}")(h, places)
        read = {"last": h[:, -1], "all": h, "every_other": h[:, ::2]}[self.readout]
        return self.norm_output(read)

    def patterns(self, x: jax.Array) -> jax.Array:
        """Attention weights (layer, batch, head, query, key)."""
        h, places = self.stream(x)
        found = []
        for layer in range(self.num_layers):
            block = getattr(self, f"block_{layer}")
            found.append(block.attention.pattern(block.norm_attention(h), places))
            h = block(h, places)
        return jnp.stack(found)

    def stream(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The stream before the first block, and what is added to it for queries and keys (0 unless shortformer)."""
        h = self.embedding(x)
        places = jnp.zeros((), h.dtype)
        if self.positions == "learned":
            h = h + self.position_embedding(jnp.arange(x.shape[1]))
        elif self.positions == "shortformer":
            places = self.position_embedding(jnp.arange(x.shape[1]))
        return h, places
