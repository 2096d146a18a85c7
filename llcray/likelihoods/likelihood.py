"""The base of the likelihoods: the full, normalised negative log-likelihood of a label, in nats.

The numbers of a likelihood (a scale, degrees of freedom) are arguments of a program, given as coefficients of the
examples, so that targets that differ in a noise scale share their compiled programs and can be stacked.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from llcray.variant import Variant

if TYPE_CHECKING:
    import numpy as np

    from llcray.data import Task


class LikelihoodVariant(Variant):
    """Base of the likelihoods."""

    task: ClassVar["Task"] = "regression"

    def coefficients(self, x: "np.ndarray") -> "np.ndarray":
        """The numbers that the likelihood needs at each input, shape (n, k), float64; k may be 0."""
        raise NotImplementedError

    @classmethod
    def nll(cls, outputs: Any, y: Any, coefficients: Any) -> Any:
        """The negative log-likelihood -log p(y | outputs) of each example, shape (batch,), nats.

        Args:
            outputs: Outputs of the network (batch, outputs).
            y: Labels: (batch, outputs), or class numbers (batch,).
            coefficients: Rows of `coefficients(x)` (batch, k).
        """
        raise NotImplementedError


def constant(x: "np.ndarray", *values: float) -> "np.ndarray":
    """Coefficients that are the same at every input, shape (n, number of values)."""
    import numpy as np

    return np.tile(np.asarray(values, np.float64), (len(x), 1))
