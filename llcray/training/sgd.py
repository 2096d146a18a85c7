"""Stochastic gradient descent, with heavy-ball or Nesterov momentum (Sutskever et al. 2013)."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from llcray.training.optimizer import TrainingVariant

if TYPE_CHECKING:
    import optax


class SGD(TrainingVariant):
    """Stochastic gradient descent.

    Attributes:
        momentum: Decay of the running sum of gradients, in [0, 1).
        nesterov: Whether the gradient is taken at the point that the momentum leads to.
    """

    kind: Literal["sgd"] = "sgd"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = False

    def optimizer(self, numbers: dict[str, Any]) -> "optax.GradientTransformation":
        import optax

        decay = optax.add_decayed_weights(numbers["weight_decay"])
        return optax.chain(decay, optax.trace(numbers["momentum"], self.nesterov))
