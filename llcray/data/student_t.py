"""Heavy-tailed inputs: independent Student-t coordinates, unscaled (variance nu/(nu - 2) for nu > 2).

x_i ~ t_nu
"""

from typing import TYPE_CHECKING, Literal

from llcray.data.source import SyntheticData
from llcray.variant import PositiveFloat

if TYPE_CHECKING:
    import numpy as np


class StudentT(SyntheticData):
    """Independent Student-t inputs.

    Attributes:
        degrees_of_freedom: nu; moments of order nu and above do not exist.
    """

    kind: Literal["student_t"] = "student_t"
    degrees_of_freedom: PositiveFloat = 3.0

    def inputs(self, rng: "np.random.Generator", num_inputs: int) -> "np.ndarray":
        return rng.standard_t(self.degrees_of_freedom, (num_inputs, self.input_dimension))
