"""The base of the noises: corrupted labels, and the likelihood that matches them."""

from typing import TYPE_CHECKING, ClassVar

from llcray.variant import Variant

if TYPE_CHECKING:
    import numpy as np

    from llcray.data import Task
    from llcray.likelihoods import Likelihood


class NoiseVariant(Variant):
    """Base of the noises."""

    tasks: ClassVar[tuple["Task", ...]] = ("regression",)

    def corrupt(self, rng: "np.random.Generator", x: "np.ndarray", y: "np.ndarray", num_outputs: int) -> "np.ndarray":
        """The labels with noise.

        Args:
            rng: Source of the noise.
            x: Inputs (n, ...).
            y: Clean labels: (n, outputs), or class numbers (n,).
            num_outputs: Length of an output, which is the number of classes in classification.
        """
        raise NotImplementedError

    def likelihood(self, task: "Task") -> "Likelihood":
        """The likelihood of the corrupted labels."""
        raise NotImplementedError
