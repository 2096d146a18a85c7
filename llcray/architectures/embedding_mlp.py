"""Perceptron on tokens: every token is embedded, each position has its own matrix, and their sum is one hidden layer.

    h = act(sum_t (U_t E[x_t] + c_t)),    output = W h

Reference: the grokking example of devinterp (Timaeus); Nanda et al. 2023, arXiv 2301.05217, for the task.
"""

from typing import TYPE_CHECKING, Literal

from llcray.architectures.network import Activation, Network
from llcray.variant import Count

if TYPE_CHECKING:
    from flax import nnx


class EmbeddingMLP(Network):
    """A perceptron on tokens.

    Attributes:
        vocabulary: Number of tokens; null is the number of outputs.
        embedding_width: Length of an embedding; its entries start standard normal.
        width: Units of the hidden layer.
        activation: Of the hidden layer; `gelu` is exact.
        bias: Whether the matrices of the positions have biases; the output has none.
    """

    kind: Literal["embedding_mlp"] = "embedding_mlp"
    vocabulary: Count | None = None
    embedding_width: Count = 12
    width: Count = 48
    activation: Activation = "gelu"
    bias: bool = True

    def build(self, input_shape: tuple[int, ...], num_outputs: int, rngs: "nnx.Rngs") -> "nnx.Module":
        """See `Network.build`. Layers are `embedding`, `position_0`, ..., `output`."""
        from llcray.architectures.transformer_modules import EmbeddingPerceptron

        if len(input_shape) != 1:
            raise ValueError(f"embedding_mlp needs tokens (positions,); inputs have shape {input_shape}: use mlp.")
        return EmbeddingPerceptron(self, input_shape[0], num_outputs, rngs)
