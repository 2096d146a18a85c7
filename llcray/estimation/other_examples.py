"""Replaces the examples that a target's loss is taken on."""

import dataclasses

import jax
import numpy as np

from llcray.array_types import PyTree
from llcray.targets.loss_on import Examples, PythonExamples
from llcray.targets.python import call_factory
from llcray.targets.target import Target
from llcray.targets.variant import TargetVariant


def on_other_examples(target: Target, spec: TargetVariant, loss_on: Examples) -> Target:
    """The target with the examples of `loss_on`, and without the known answers, which are for its own data.

    Args:
        target: The built target.
        spec: Its spec.
        loss_on: The examples.

    Raises:
        ValueError: The target has no such examples, or they are of another form than its own.
    """
    source = _called(loss_on) if isinstance(loss_on, PythonExamples) else spec.examples(loss_on)
    data = jax.tree.map(np.asarray, source)
    own, other = _form(target.data), _form(data)
    if own != other:
        raise ValueError(
            f"loss_on {loss_on.cell()}: its examples have the form {other}, the target's {own}. Make them equal."
        )
    num_data = loss_on.num_taken(len(jax.tree.leaves(data)[0]))
    return dataclasses.replace(target, data=jax.tree.map(lambda leaf: leaf[:num_data], data), oracle=None)


def _called(loss_on: PythonExamples) -> PyTree:
    return call_factory(loss_on.factory, loss_on.arguments, loss_on.seed)


def _form(data: PyTree) -> str:
    """Structure of the data, and the shapes of its arrays past the first axis."""
    return str(jax.tree.map(lambda leaf: tuple(np.shape(leaf)[1:]), data))
