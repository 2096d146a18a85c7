"""Adam (Kingma and Ba 2015, arXiv 1412.6980), with L2 regularisation inside the gradient."""

from typing import TYPE_CHECKING, Any, Literal

from llcray.training.optimizer import TrainingVariant
from llcray.variant import Fraction

if TYPE_CHECKING:
    import optax


class Adam(TrainingVariant):
    """The Adam optimizer.

    Attributes:
        b1: Decay of the mean of gradients.
        b2: Decay of the mean of squared gradients.
    """

    kind: Literal["adam"] = "adam"
    b1: Fraction = 0.9
    b2: Fraction = 0.999

    def optimizer(self, numbers: dict[str, Any]) -> "optax.GradientTransformation":
        import optax

        decay = optax.add_decayed_weights(numbers["weight_decay"])
        return optax.chain(decay, optax.scale_by_adam(numbers["b1"], numbers["b2"]))
