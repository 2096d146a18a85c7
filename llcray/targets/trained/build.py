"""Trains a network to a minimum: draws or loads the data, trains, measures."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llcray.array_types import Arrays, PyTree
from llcray.data import Split
from llcray.jax_settings import own_settings
from llcray.targets.long_runs import LongRunsAlone
from llcray.targets.model_loss import ModelLoss, initial_params
from llcray.targets.random_streams import jax_seed
from llcray.targets.target import Target, TargetFacts
from llcray.targets.trained.examples import batch_of, labelled_examples
from llcray.targets.trained.induction import induction_facts
from llcray.targets.trained.recipe import TrainingRecipe
from llcray.training.minimize import loss_and_gradient_norm, minimize


def build_trained(spec: TrainingRecipe) -> Target:
    """Train the network of a spec to a minimum of its posterior's loss."""
    split = labelled_examples(spec)
    check_batch_size(spec, len(split.train))
    loss = loss_of(spec, split.train.x.shape[1:], split.num_outputs)
    data, test = batch_of(spec, split.train), batch_of(spec, split.test)
    shape = list(loss.input_shape)
    seed = jax_seed("initial_weights", spec.seed, spec.architecture, shape, loss.num_outputs)
    initial = initial_params(spec.architecture, loss.input_shape, loss.num_outputs, seed)
    minimum = minimize(spec.training, loss, initial, data, jax_seed("minibatches", spec.seed, spec.data))
    params = jax.tree.map(np.asarray, minimum.params)
    facts = facts_of(spec, split, loss, params, data, test)
    return Target(params=params, loss_fn=loss, data=data, oracle=LongRunsAlone(), facts=facts)


def untrained(spec: TrainingRecipe, arrays: Arrays) -> Target:
    """The loss and the data of a training, with shapes in the place of parameters.

    Args:
        spec: The training.
        arrays: Arrays stored of its target; data among them are used, other data are drawn anew.
    """
    if "data/x" in arrays:
        data = {name.removeprefix("data/"): array for name, array in arrays.items() if name.startswith("data/")}
        num_outputs = int(arrays["num_outputs"])
    else:
        split = labelled_examples(spec)
        data, num_outputs = batch_of(spec, split.train), split.num_outputs
    loss = loss_of(spec, data["x"].shape[1:], num_outputs)
    return Target(params=loss.abstract_params(), loss_fn=loss, data=data, oracle=LongRunsAlone())


def loss_of(spec: TrainingRecipe, input_shape: tuple[int, ...], num_outputs: int) -> ModelLoss:
    """The loss of a spec whose data have this shape."""
    network = spec.architecture.forward(input_shape, num_outputs)
    return ModelLoss(network, spec.matched_likelihood().kind, input_shape, num_outputs)


def facts_of(
    spec: TrainingRecipe, split: Split, loss: ModelLoss, params: PyTree, data: Arrays, test: Arrays
) -> TargetFacts:
    """Measures trained parameters, in float64 whatever the precision of training was."""
    with own_settings(float64=True):
        at_center, gradient_norm = loss_and_gradient_norm(loss, "float64", params, data)
        has_test = len(split.test) > 0
        test_loss = float(loss_and_gradient_norm(loss, "float64", params, test)[0]) if has_test else None
        classes = spec.data.task == "classification"
        return TargetFacts(
            loss_at_center=float(at_center),
            gradient_norm_at_center=float(gradient_norm),
            test_loss=test_loss,
            train_accuracy=_accuracy(loss, params, data) if classes else None,
            test_accuracy=_accuracy(loss, params, test) if classes and has_test else None,
            **induction_facts(loss, params),
        )


def _accuracy(loss: ModelLoss, params: PyTree, batch: Arrays) -> float:
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
    is_right = np.asarray(_predictions(loss, params, batch["x"])) == batch["y"]
    return float(np.mean(is_right[batch["y"] >= 0]))


@partial(jax.jit, static_argnums=0)
def _predictions(loss: ModelLoss, params: PyTree, x: Any) -> Any:
    return loss.outputs(params, x).argmax(-1)


def check_batch_size(spec: TrainingRecipe, num_data: int) -> None:
    """Refuses minibatches larger than the data.

    Raises:
        ValueError: They are.
    """
    size = spec.training.batch_size
    if size is not None and size > num_data:
        raise ValueError(
            f"training.batch_size {size} is more than the {num_data} training examples. Lower it, or leave it out for "
            "the full data."
        )
