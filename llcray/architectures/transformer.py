"""Decoder-only transformer (Vaswani et al. 2017, arXiv 1706.03762), pre-norm, attention-only if asked for.

    h = E[x] + P,    h += attention(norm(h)),    h += W_out act(W_in norm(h)),    output = W norm(h)

Shortformer positions (Press et al. 2021, arXiv 2012.15832) are added to queries and keys in place of the stream.
"""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from llcray.architectures.network import Activation, Network, Norm, Positions, Readout
from llcray.components.structure import Structure
from llcray.variant import Count, NonNegativeInt

if TYPE_CHECKING:
    from flax import nnx


class Transformer(Network):
    """A decoder-only transformer on tokens, or on vectors.

    Parameters are `embedding/...`, `position_embedding/embedding`, `block_0/attention/query/kernel` (width, heads, head
    size), `.../out/kernel` (heads, head size, width), `block_0/mlp/into/kernel`, `.../back/kernel`, norms and
    `output/kernel`.

    Attributes:
        num_layers: Number of blocks.
        num_heads: Number of heads of each attention; it divides `width`.
        width: Length of the residual stream.
        mlp_width: Hidden units of each block's MLP; 0 leaves it out.
        vocabulary: Number of tokens; null is the number of outputs.
        inputs: `tokens` (positions,), or `vectors` (positions, features), which a matrix maps to the stream.
        positions: Position embeddings: `learned` ones are added to the stream, `shortformer` to queries and keys.
        norm: Norm before attention, MLP and output.
        causal: Whether a position sees only those before it.
        readout: Outputs at the `last` position, at `all` (positions, outputs), or shared out among `every_other`
            position, the first included.
        activation: Activation of the MLPs.
        bias: Whether attention and MLPs have biases; the output has none.
        embedding_scale: Standard deviation of the initial embeddings.
    """

    kind: Literal["transformer"] = "transformer"
    num_layers: Count = 1
    num_heads: Count = 4
    width: Count = 128
    mlp_width: NonNegativeInt = 512
    vocabulary: Count | None = None
    inputs: Literal["tokens", "vectors"] = "tokens"
    positions: Positions = "learned"
    norm: Norm = "layer_norm"
    causal: bool = True
    readout: Readout = "last"
    activation: Activation = "relu"
    bias: bool = True
    embedding_scale: Annotated[float, Field(gt=0)] = 0.02

    @model_validator(mode="after")
    def _check_that_heads_divide_the_width(self) -> Self:
        if self.width % self.num_heads:
            raise ValueError(f"num_heads {self.num_heads} does not divide width {self.width}: change either")
        return self

    def forward(self, input_shape: tuple[int, ...], num_outputs: int) -> Network:
        return super().forward(input_shape, num_outputs).model_copy(update={"embedding_scale": 0.02})

    def structure(self) -> Structure:
        return Structure(self.num_layers, self.num_heads)

    def build(self, input_shape: tuple[int, ...], num_outputs: int, rngs: "nnx.Rngs") -> "nnx.Module":
        from llcray.architectures.transformer_modules import BlockFields, Decoder

        wanted = 1 if self.inputs == "tokens" else 2
        if len(input_shape) != wanted:
            form = "tokens (positions,)" if wanted == 1 else "vectors (positions, features)"
            raise ValueError(f"transformer needs {form}; inputs have shape {input_shape}. Set its `inputs`.")
        if self.readout == "every_other" and num_outputs % ((input_shape[0] + 1) // 2):
            raise ValueError(
                f"{num_outputs} outputs cannot be shared out among every other of {input_shape[0]} positions. "
                "Set the transformer's readout to last or all."
            )
        return Decoder(
            input_shape,
            num_outputs,
            num_layers=self.num_layers,
            vocabulary=(self.vocabulary or num_outputs) if self.inputs == "tokens" else None,
            positions=self.positions,
            readout=self.readout,
            embedding_scale=self.embedding_scale,
            block=BlockFields(
                width=self.width,
                num_heads=self.num_heads,
                mlp_width=self.mlp_width,
                norm=self.norm,
                causal=self.causal,
                activation=self.activation,
                bias=self.bias,
                initializers=self.initializers(),
            ),
            rngs=rngs,
        )
