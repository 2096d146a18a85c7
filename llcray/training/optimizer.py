"""The base of the training variants: a first-order optimizer, early stopping, and a full-batch polish."""

from typing import TYPE_CHECKING, Any, Literal, Self

from llcray.variant import Count, NonNegativeFloat, NonNegativeInt, PositiveFloat, Variant

if TYPE_CHECKING:
    import optax

CHECK_EVERY = 100

# A compiled training program depends on these fields only; every other field is an argument of the program.
STRUCTURE = ("kind", "batch_size", "batches", "schedule", "precision", "nesterov")


class TrainingVariant(Variant):
    """Base of the training variants: how w* is found.

    Training minimises the mean loss of the posterior, in three stages: the optimizer, on minibatches or the full data,
    with weight decay if asked for; early stopping; then L-BFGS on the full data, without weight decay, since a
    decayed minimum is not one of the loss.

    Attributes:
        learning_rate: Step size of the optimizer.
        num_steps: Largest number of steps of the optimizer; 0 leaves the initial weights to the polish.
        batch_size: Number of examples in a minibatch; null takes the full data.
        batches: Drawing of minibatches: `with_replacement`, or `shuffled`, which deals out the data in a new random
            order in each epoch and leaves out the examples that do not fill a batch.
        schedule: `cosine` lowers the learning rate to 0 over `num_steps`; `one_cycle` raises it linearly from a 25th
            over the first half and lowers it linearly to next to nothing over the second (Smith and Topin 2017,
            arXiv 1708.07120).
        weight_decay: Coefficient of decay: added to the gradient as `weight_decay w` by adam and sgd, applied to the
            weights beside the step by adamw (Loshchilov and Hutter 2019, arXiv 1711.05101).
        min_improvement: Fall of the full-data loss below its best value, nats, that counts as an improvement; the loss
            is looked at every 100 steps.
        patience: Number of looks in a row without an improvement after which the optimizer stops. It also stops once
            the gradient norm meets `gradient_tolerance`.
        polish_steps: Largest number of L-BFGS steps; 0 leaves w* as the optimizer found it.
        gradient_tolerance: Euclidean norm of the full-data gradient, nats per unit of w, below which the polish ends.
        precision: Floating-point type of w* and of its training.
    """

    learning_rate: PositiveFloat = 0.01
    num_steps: NonNegativeInt = 2000
    batch_size: Count | None = None
    batches: Literal["with_replacement", "shuffled"] = "with_replacement"
    schedule: Literal["constant", "cosine", "one_cycle"] = "constant"
    weight_decay: NonNegativeFloat = 0.0
    min_improvement: NonNegativeFloat = 1e-5
    patience: Count = 5
    polish_steps: NonNegativeInt = 2000
    gradient_tolerance: PositiveFloat = 1e-6
    precision: Literal["float32", "float64"] = "float64"

    def structure(self) -> Self:
        """The spec whose numbers that a compiled program takes as arguments are all at their defaults."""
        fields = type(self).model_fields
        return self.model_copy(update={name: fields[name].default for name in fields if name not in STRUCTURE})

    def numbers(self) -> dict[str, float]:
        """The numbers that a compiled program takes as arguments, by the name of the field."""
        return {
            name: value
            for name in type(self).model_fields
            if name not in STRUCTURE and isinstance(value := getattr(self, name), int | float)
        }

    def optimizer(self, numbers: dict[str, Any]) -> "optax.GradientTransformation":
        """The update rule without the learning rate; a step adds `-learning_rate` times its update to the weights."""
        raise NotImplementedError
