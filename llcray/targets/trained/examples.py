"""The examples of a trained target: inputs, labels of a teacher or of the data, noise."""

from typing import Any

import jax
import numpy as np

from llcray.array_types import Arrays
from llcray.data import Examples, LabelledData, Split
from llcray.jax_settings import own_settings
from llcray.targets.model_loss import ModelLoss, initial_params
from llcray.targets.random_streams import generator, jax_seed
from llcray.targets.trained.recipe import TrainingRecipe


def labelled_examples(spec: TrainingRecipe) -> Split:
    """Training and test examples, drawn anew: the same for the same spec.

    Noise on given data corrupts the training labels alone; on synthetic data it is part of the law of both splits.
    """
    data = spec.data
    if isinstance(data, LabelledData):
        split = data.load(generator("data", spec.seed, data))
        return Split(_with_noise(spec, "noise", split.train, split.num_outputs), split.test, split.num_outputs)
    assert spec.teacher is not None
    rng = generator("data", spec.seed, data)
    x = data.inputs(rng, data.num_data + data.num_held_out)
    y = _teacher_outputs(spec, x)
    train = Examples(x[: data.num_data], y[: data.num_data])
    test = Examples(x[data.num_data :], y[data.num_data :])
    outputs = data.output_dimension
    return Split(_with_noise(spec, "noise", train, outputs), _with_noise(spec, "test_noise", test, outputs), outputs)


def examples_of(spec: TrainingRecipe) -> Arrays:
    """The training examples, in the form the loss takes."""
    return batch_of(spec, labelled_examples(spec).train)


def held_out_examples(spec: TrainingRecipe) -> Arrays:
    """The test examples, in the form the loss takes."""
    return batch_of(spec, labelled_examples(spec).test)


def batch_of(spec: TrainingRecipe, examples: Examples) -> Arrays:
    """Examples in the form the loss takes, in the precision the target is built in."""
    dtype = np.dtype(spec.training.precision)
    y = examples.y if np.issubdtype(examples.y.dtype, np.integer) else examples.y.astype(dtype)
    coefficients = spec.matched_likelihood().coefficients(examples.x)
    tokens = np.issubdtype(examples.x.dtype, np.integer)
    return {"x": examples.x if tokens else examples.x.astype(dtype), "y": y, "likelihood": coefficients.astype(dtype)}


def _with_noise(spec: TrainingRecipe, stream: str, examples: Examples, num_outputs: int) -> Examples:
    # The stream ignores the numbers of the noise: noise of twice the scale is the same noise, doubled.
    rng = generator(stream, spec.seed, spec.data, spec.noise.kind)
    return Examples(examples.x, spec.noise.corrupt(rng, examples.x, examples.y, num_outputs))


def _teacher_outputs(spec: TrainingRecipe, x: np.ndarray) -> np.ndarray:
    teacher, data = spec.teacher, spec.data
    assert teacher is not None and not isinstance(data, LabelledData)
    shape, outputs = x.shape[1:], data.output_dimension
    with own_settings(float64=True):
        params = initial_params(teacher, shape, outputs, jax_seed("teacher", spec.seed, teacher, list(shape), outputs))
        params = jax.tree.map(lambda leaf: leaf.astype(np.float64), params)
        function = ModelLoss(teacher.forward(shape, outputs), "gaussian", shape, outputs)
        return np.asarray(_apply(function, params, x))


def _forward(function: ModelLoss, params: Any, x: Any) -> Any:
    return function.outputs(params, x)


_apply = jax.jit(_forward, static_argnums=0)
