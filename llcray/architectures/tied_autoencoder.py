"""Tied autoencoder with a bottleneck, the toy model of superposition.

    output = ReLU(W^T W x + b)

Reference: Elhage et al. 2022 (arXiv 2209.10652); k-gons as phases of its training: Chen et al. 2023 (arXiv 2310.06301).
"""

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from llcray.architectures.network import Network
from llcray.variant import Count, NonNegativeFloat

if TYPE_CHECKING:
    from flax import nnx


class TiedAutoencoder(Network):
    """A tied autoencoder. Parameters are `W` (width, features) and `b` (features,).

    Attributes:
        width: Rows of W, the dimension of the bottleneck.
        initial_polygon: k, where training starts at a regular k-gon: the first k columns of W are its corners, with
            radius 1 and bias 0; the other columns are 0 with bias -1. null starts W by `initialization` and b at 0.
        initial_spread: Standard deviation of normal noise added to the polygon and to the biases.
    """

    kind: Literal["tied_autoencoder"] = "tied_autoencoder"
    width: Count = 2
    initial_polygon: Annotated[Count, Field(ge=2)] | None = None
    initial_spread: NonNegativeFloat = 0.05

    def forward(self, input_shape: tuple[int, ...], num_outputs: int) -> Network:
        bare = super().forward(input_shape, num_outputs)
        return bare.model_copy(update={"initial_polygon": None, "initial_spread": 0.0})

    def build(self, input_shape: tuple[int, ...], num_outputs: int, rngs: "nnx.Rngs") -> "nnx.Module":
        from llcray.architectures.modules import Tied

        num_features = math.prod(input_shape)
        if num_features != num_outputs:
            raise ValueError(f"tied_autoencoder has as many outputs as inputs, not {num_outputs} for {num_features}")
        if self.initial_polygon is not None and (self.width != 2 or self.initial_polygon > num_features):
            raise ValueError(
                f"initial_polygon {self.initial_polygon} needs width 2 and as many features; width is {self.width}, "
                f"features {num_features}. Lower it, or leave it out."
            )
        return Tied(
            num_features,
            width=self.width,
            initial_polygon=self.initial_polygon,
            initial_spread=self.initial_spread,
            initializers=self.initializers(),
            rngs=rngs,
        )
