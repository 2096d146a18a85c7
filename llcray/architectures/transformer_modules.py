"""The flax modules of networks on sequences. Parameters have names: `block_0/attention/query/kernel`.

The specs of the architectures build these modules and pass them their fields.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from llcray.architectures.modules import activation_fn, dense
from llcray.architectures.network import Activation, Initializers, Norm, Positions, Readout


class Embedding(nnx.Module):
    """A table with a row of normal initial weights for each token, or for each position."""

    def __init__(self, num_rows: int, width: int, scale: float, rngs: nnx.Rngs) -> None:
        self.embedding = nnx.Param(scale * jax.random.normal(rngs.params(), (num_rows, width)))

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Rows of tokens (...,), as (..., width)."""
        return self.embedding[...][tokens]


class EmbeddingPerceptron(nnx.Module):
    """The network of `llcray.architectures.embedding_mlp`. Layers are `embedding`, `position_0`, ..., `output`."""

    def __init__(
        self,
        num_positions: int,
        num_outputs: int,
        *,
        vocabulary: int,
        embedding_width: int,
        width: int,
        activation: Activation,
        bias: bool,
        initializers: Initializers,
        rngs: nnx.Rngs,
    ) -> None:
        self.activation: Activation = activation
        self.num_positions = num_positions
        self.embedding = Embedding(vocabulary, embedding_width, 1.0, rngs)
        for position in range(num_positions):
            setattr(self, f"position_{position}", dense(embedding_width, width, bias, initializers, rngs))
        self.output = dense(width, num_outputs, False, initializers, rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Outputs of a batch of tokens (batch, positions)."""
        embedded = self.embedding(x)
        h = sum(getattr(self, f"position_{t}")(embedded[:, t]) for t in range(self.num_positions))
        return self.output(activation_fn(self.activation)(h))


class BlockFields(NamedTuple):
    """Fields of a transformer that its blocks need; `llcray.architectures.transformer` documents them."""

    width: int
    num_heads: int
    mlp_width: int
    norm: Norm
    causal: bool
    activation: Activation
    bias: bool
    initializers: Initializers


class Projection(nnx.Module):
    """A linear map from the stream to the heads, with kernel (width, heads, size), or back, (heads, size, width).

    The initial kernel is drawn as one matrix (width, width).
    """

    def __init__(self, fields: BlockFields, back: bool, rngs: nnx.Rngs) -> None:
        weights, biases = fields.initializers
        heads = (fields.num_heads, fields.width // fields.num_heads)
        shape, outputs = ((*heads, fields.width), (fields.width,)) if back else ((fields.width, *heads), heads)
        self.kernel = nnx.Param(weights(rngs.params(), (fields.width, fields.width)).reshape(shape))
        if fields.bias:
            self.bias = nnx.Param(biases(rngs.params(), outputs))
        self.has_bias = fields.bias
        self.sums = "bthd,hdw->btw" if back else "btw,whd->bthd"

    def __call__(self, x: jax.Array) -> jax.Array:
        """The heads' vectors (batch, positions, heads, size) of the stream, or the reverse."""
        out = jnp.einsum(self.sums, x, self.kernel[...])
        return out + self.bias[...] if self.has_bias else out


class Attention(nnx.Module):
    """Softmax attention of all heads."""

    def __init__(self, fields: BlockFields, rngs: nnx.Rngs) -> None:
        self.causal = fields.causal
        self.query, self.key, self.value = (Projection(fields, False, rngs) for _ in range(3))
        self.out = Projection(fields, True, rngs)

    def __call__(self, h: jax.Array, places: jax.Array) -> jax.Array:
        """Vectors that the heads add to the stream (batch, positions, width).

        Args:
            h: The normalised stream (batch, positions, width).
            places: Position embeddings that are added for queries and keys.
        """
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
    """A perceptron of one hidden layer, applied at each position."""

    def __init__(self, fields: BlockFields, rngs: nnx.Rngs) -> None:
        self.activation: Activation = fields.activation
        self.into = dense(fields.width, fields.mlp_width, fields.bias, fields.initializers, rngs)
        self.back = dense(fields.mlp_width, fields.width, fields.bias, fields.initializers, rngs)

    def __call__(self, h: jax.Array) -> jax.Array:
        """Vectors that the perceptron adds to the stream (batch, positions, width)."""
        return self.back(activation_fn(self.activation)(self.into(h)))


class Block(nnx.Module):
    """Attention, then a perceptron, each on the normalised stream."""

    def __init__(self, fields: BlockFields, rngs: nnx.Rngs) -> None:
        self.norm_attention = norm(fields, rngs)
        self.attention = Attention(fields, rngs)
        self.has_mlp = fields.mlp_width > 0
        if self.has_mlp:
            self.norm_mlp = norm(fields, rngs)
            self.mlp = FeedForward(fields, rngs)

    def __call__(self, h: jax.Array, places: jax.Array) -> jax.Array:
        """The stream after the block."""
        h = h + self.attention(self.norm_attention(h), places)
        return h + self.mlp(self.norm_mlp(h)) if self.has_mlp else h


class Unchanged(nnx.Module):
    """The identity, in place of a norm."""

    def __call__(self, h: jax.Array) -> jax.Array:
        """The stream itself."""
        return h


def norm(fields: BlockFields, rngs: nnx.Rngs) -> nnx.LayerNorm | nnx.RMSNorm | Unchanged:
    """The norm of the kind that the fields name."""
    if fields.norm == "none":
        return Unchanged()
    return (nnx.LayerNorm if fields.norm == "layer_norm" else nnx.RMSNorm)(fields.width, rngs=rngs)


class Decoder(nnx.Module):
    """The network of `llcray.architectures.transformer`."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_outputs: int,
        *,
        num_layers: int,
        vocabulary: int | None,
        positions: Positions,
        readout: Readout,
        embedding_scale: float,
        block: BlockFields,
        rngs: nnx.Rngs,
    ) -> None:
        """The layers of a decoder, with initial weights.

        Args:
            input_shape: (positions,) of tokens, or (positions, features) of vectors.
            num_outputs: Length of an output.
            num_layers: Number of blocks.
            vocabulary: Number of tokens; None where inputs are vectors.
            positions: Position embeddings, added to the stream or to queries and keys.
            readout: Positions at which outputs are read.
            embedding_scale: Standard deviation of the initial embeddings.
            block: Fields of the blocks.
            rngs: Source of the initial weights.
        """
        self.num_layers = num_layers
        self.positions: Positions = positions
        self.readout: Readout = readout
        width, bias, initializers = block.width, block.bias, block.initializers
        if vocabulary is not None:
            self.embedding = Embedding(vocabulary, width, embedding_scale, rngs)
        else:
            self.embedding = dense(input_shape[-1], width, bias, initializers, rngs)
        if positions != "none":
            self.position_embedding = Embedding(input_shape[0], width, embedding_scale, rngs)
        for layer in range(num_layers):
            setattr(self, f"block_{layer}", Block(block, rngs))
        self.norm_output = norm(block, rngs)
        num_read = (input_shape[0] + 1) // 2 if readout == "every_other" else 1
        self.output = dense(width, num_outputs // num_read, False, initializers, rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Outputs (batch, outputs), or (batch, positions, outputs) of readout `all`."""
        out = self.output(self.features(x))
        return out.reshape(x.shape[0], -1) if self.readout == "every_other" else out

    def features(self, x: jax.Array) -> jax.Array:
        """Vectors that the output matrix reads (batch, ..., width)."""
        h, places = self.stream(x)
        for layer in range(self.num_layers):
            h = getattr(self, f"block_{layer}")(h, places)
        read = {"last": h[:, -1], "all": h, "every_other": h[:, ::2]}[self.readout]
        return self.norm_output(read)

    def patterns(self, x: jax.Array) -> jax.Array:
        """Attention weights (layer, batch, head, query, key)."""
        h, places = self.stream(x)
        patterns = []
        for layer in range(self.num_layers):
            block = getattr(self, f"block_{layer}")
            patterns.append(block.attention.pattern(block.norm_attention(h), places))
            h = block(h, places)
        return jnp.stack(patterns)

    def stream(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The stream before the first block, and the vectors added to it for queries and keys.

        The second is 0 unless positions are of Shortformer.
        """
        h = self.embedding(x)
        places = jnp.zeros((), h.dtype)
        if self.positions == "learned":
            h = h + self.position_embedding(jnp.arange(x.shape[1]))
        elif self.positions == "shortformer":
            places = self.position_embedding(jnp.arange(x.shape[1]))
        return h, places
