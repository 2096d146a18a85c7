"""Anisotropic Gaussian inputs.

x ~ N(0, Sigma),    Sigma = diag(decay^0, decay^1, ...)
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from llcray.data.source import SyntheticData

if TYPE_CHECKING:
    import numpy as np


class AnisotropicGaussian(SyntheticData):
    """Normal inputs whose coordinates have variances of a geometric sequence.

    Attributes:
        decay: Ratio of successive variances, in (0, 1]; 1 is isotropic.
    """

    kind: Literal["anisotropic_gaussian"] = "anisotropic_gaussian"
    decay: Annotated[float, Field(gt=0, le=1)] = 0.9

    def inputs(self, rng: "np.random.Generator", num_inputs: int) -> "np.ndarray":
        import numpy as np

        scales = np.sqrt(self.decay ** np.arange(self.input_dimension))
        return rng.standard_normal((num_inputs, self.input_dimension)) * scales
