"""Perceptron on tokens: each position has a matrix for the embedding of its token, and their sum is one hidden layer.

    h = act(sum_t (U_t E[x_t] + c_t)),    output = W h

Reference: the grokking example of devinterp (Timaeus); Nanda et al. 2023, arXiv 2301.05217, for the task.
"""

from typing import TYPE_CHECKING, Literal

from llcray.architectures.network import Activation, Network
from llcray.variant import Count

if TYPE_CHECKING:
    from flax import nnx


class EmbeddingMLP(Network):
    """A perceptron on tokens. Layers are `embedding`, `position_0`, ..., `output`.

    Attributes:
        vocabulary: Number of tokens; null is the number of outputs.
        embedding_width: Length of an embedding; its entries start standard normal.
        width: Units of the hidden layer.
        activation: Activation of the hidden layer; `gelu` is exact.
        bias: Whether the matrices of the positions have biases; the output has none.
    """

    kind: Literal["embedding_mlp"] = "embedding_mlp"
    vocabulary: Count | None = None
    embedding_width: Count = 12
    width: Count = 48
    activation: Activation = "gelu"
    bias: bool = True

    def build(self, input_shape: tuple[int, ...], num_outputs: int, rngs: "nnx.Rngs") -> "nnx.Module":
        from llcray.architectures.transformer_modules import EmbeddingPerceptron

        if len(input_shape) != 1:
            raise ValueError(f"embedding_mlp needs tokens (positions,); inputs have shape {input_shape}: use mlp.")
        return EmbeddingPerceptron(
            input_shape[0],
            num_outputs,
            vocabulary=self.vocabulary or num_outputs,
            embedding_width=self.embedding_width,
            width=self.width,
            activation=self.activation,
            bias=self.bias,
            initializers=self.initializers(),
            rngs=rngs,
        )
