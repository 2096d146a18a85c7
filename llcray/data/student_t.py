"""Heavy-tailed inputs: independent Student-t coordinates, unscaled (variance nu/(nu - 2) for nu > 2)."""

from typing import TYPE_CHECKING, Literal

from llcray.data.source import SyntheticData
from llcray.variant import PositiveFloat

if TYPE_CHECKING:
    import numpy as np


class StudentT(SyntheticData):
    """x_i ~ t_nu, independent.

    Attributes:
        degrees_of_freedom: nu; moments of order nu and above do not exist.
    """

    kind: Literal["student_t"] = "student_t"
    degrees_of_freedom: PositiveFloat = 3.0

    def inputs(self, rng: "np.random.Generator", num_inputs: int) -> "np.ndarray":
        """See `SyntheticData.inputs`."""
        return rng.standard_t(self.degrees_of_freedom, (num_inputs, self.input_dimension))
