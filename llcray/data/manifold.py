"""Inputs on a low-dimensional manifold, with a random A of shape (k, d) whose entries are N(0, 1/k).

x = tanh(z A),    z ~ N(0, I_k)
"""

from typing import TYPE_CHECKING, Literal

from pydantic import field_validator
from pydantic_core.core_schema import ValidationInfo

from llcray.data.source import SyntheticData
from llcray.variant import Count

if TYPE_CHECKING:
    import numpy as np


class Manifold(SyntheticData):
    """Inputs on a curved surface.

    Attributes:
        latent_dimension: k, the dimension of the surface; at most `input_dimension`.
    """

    kind: Literal["manifold"] = "manifold"
    latent_dimension: Count = 4

    @field_validator("latent_dimension")
    @classmethod
    def _check_that_it_fits(cls, value: int, info: ValidationInfo) -> int:
        input_dimension = info.data.get("input_dimension", value)
        if value > input_dimension:
            raise ValueError(f"{value} is more than input_dimension {input_dimension}: lower it, or raise the other")
        return value

    def inputs(self, rng: "np.random.Generator", num_inputs: int) -> "np.ndarray":
        import numpy as np

        embedding = rng.standard_normal((self.latent_dimension, self.input_dimension)) / np.sqrt(self.latent_dimension)
        return np.tanh(rng.standard_normal((num_inputs, self.latent_dimension)) @ embedding)
