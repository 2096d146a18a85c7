"""AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101)."""

from typing import TYPE_CHECKING, Any, Literal

from llcray.training.optimizer import TrainingVariant
from llcray.variant import Fraction, NonNegativeFloat

if TYPE_CHECKING:
    import optax


class AdamW(TrainingVariant):
    """Adam whose weight decay does not pass through the moments.

    Attributes:
        weight_decay: Share of the weights that is taken away at each step, once multiplied by the learning rate.
        b1: Decay of the mean of gradients.
        b2: Decay of the mean of squared gradients.
    """

    kind: Literal["adamw"] = "adamw"
    weight_decay: NonNegativeFloat = 1e-4
    b1: Fraction = 0.9
    b2: Fraction = 0.999

    def optimizer(self, numbers: dict[str, Any]) -> "optax.GradientTransformation":
        import optax

        decay = optax.add_decayed_weights(numbers["weight_decay"])
        return optax.chain(optax.scale_by_adam(numbers["b1"], numbers["b2"]), decay)
