"""Isotropic Gaussian inputs.

x ~ N(0, I)
"""

from typing import TYPE_CHECKING, Literal

from llcray.data.source import SyntheticData

if TYPE_CHECKING:
    import numpy as np


class Gaussian(SyntheticData):
    """Independent standard normal inputs."""

    kind: Literal["gaussian"] = "gaussian"

    def inputs(self, rng: "np.random.Generator", num_inputs: int) -> "np.ndarray":
        return rng.standard_normal((num_inputs, self.input_dimension))
