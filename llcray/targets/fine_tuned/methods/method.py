"""The base of every way to fine-tune: an optimizer, prompts in a step, and functions that collect and that score."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from llcray.array_types import Array, PyTree
from llcray.variant import Count, PositiveFloat, Variant


class Recipe(NamedTuple):
    """The pure functions of a method.

    In their signatures `policy` is an `llcray.targets.fine_tuned.methods.policy.Policy`, and `problems` are
    `llcray.data.digit_sums.Problems`.

    Attributes:
        collect: `(rng_key, policy, params, reference, problems) -> batch`; a step learns from the batch, which is held
            fixed meanwhile.
        objective: `(policy, params, batch) -> scalar`, which is minimised.
        num_epochs: Gradient steps on each batch.
        init: `(rng_key, policy, params) -> parameters trained beside the policy's` (a value head).
    """

    collect: Callable[..., PyTree]
    objective: Callable[..., Array]
    num_epochs: int = 1
    init: Callable[..., PyTree] = lambda rng_key, policy, params: ()


class MethodVariant(Variant):
    """Base of the methods.

    Adam (Kingma and Ba 2015) without weight decay, at a constant learning rate.

    Attributes:
        learning_rate: Learning rate of Adam.
        num_steps: Batches collected and learned from.
        batch_size: Prompts in a step.
        max_gradient_norm: Gradients longer than this are shortened to it.
        weights: Type that weights are rounded to after every step, as when they are stored in it; `bfloat16` leaves
            entries as they are whose step is below half its spacing, which decides update sparsity.
    """

    learning_rate: PositiveFloat = 1e-4
    num_steps: Count = 150
    batch_size: Count = 64
    max_gradient_norm: PositiveFloat = 1.0
    weights: Literal["float32", "bfloat16"] = "float32"

    def build(self) -> Recipe:
        """The method as functions."""
        raise NotImplementedError


def chosen(rng_key: Array, problems: PyTree, batch_size: int) -> PyTree:
    """Draws problems with replacement."""
    import jax

    indices = jax.random.randint(rng_key, (batch_size,), 0, problems.prompts.shape[0])
    return jax.tree.map(lambda tokens: tokens[indices], problems)
