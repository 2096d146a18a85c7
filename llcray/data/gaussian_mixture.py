"""Inputs from a mixture of Gaussians, with centres c_j uniform on the sphere of radius `spread`.

x = c_j + e,    j uniform,    e ~ N(0, I)
"""

from typing import TYPE_CHECKING, Literal

from llcray.data.source import SyntheticData
from llcray.variant import Count, NonNegativeFloat

if TYPE_CHECKING:
    import numpy as np


class GaussianMixture(SyntheticData):
    """Equally likely unit Gaussians around random centres.

    Attributes:
        num_components: Number of centres, drawn with the data.
        spread: Distance of the centres from the origin.
    """

    kind: Literal["gaussian_mixture"] = "gaussian_mixture"
    num_components: Count = 4
    spread: NonNegativeFloat = 3.0

    def inputs(self, rng: "np.random.Generator", num_inputs: int) -> "np.ndarray":
        import numpy as np

        directions = rng.standard_normal((self.num_components, self.input_dimension))
        centres = self.spread * directions / np.linalg.norm(directions, axis=1, keepdims=True)
        component = rng.integers(self.num_components, size=num_inputs)
        return centres[component] + rng.standard_normal((num_inputs, self.input_dimension))
