"""Label flips: with probability `rate` a class becomes one of the others, all equally likely."""

from typing import TYPE_CHECKING, ClassVar, Literal

from llcray.likelihoods import CategoricalLikelihood, Likelihood
from llcray.noise.corruption import NoiseVariant
from llcray.variant import Fraction

if TYPE_CHECKING:
    import numpy as np

    from llcray.data import Task


class LabelFlip(NoiseVariant):
    """Classes of which some are wrong.

    Attributes:
        rate: Probability that a label is replaced by one of the other classes.
    """

    kind: Literal["label_flip"] = "label_flip"
    tasks: ClassVar[tuple["Task", ...]] = ("classification",)
    rate: Fraction

    def corrupt(self, rng: "np.random.Generator", x: "np.ndarray", y: "np.ndarray", num_outputs: int) -> "np.ndarray":
        """The labels with flips; from the same seed, a larger rate flips a superset of the labels."""
        import numpy as np

        del x
        flipped = rng.random(len(y)) < self.rate
        shift = rng.integers(1, num_outputs, size=len(y), dtype=np.int32)
        return np.where(flipped, (y + shift) % num_outputs, y).astype(np.int32)

    def likelihood(self, task: "Task") -> Likelihood:
        del task
        return CategoricalLikelihood()
