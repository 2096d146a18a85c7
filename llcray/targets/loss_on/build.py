"""A target with its loss on other examples."""

import dataclasses
from functools import singledispatch

import jax
import numpy as np

from llcray.targets import CheckpointTarget, TrainedTarget
from llcray.targets.checkpoint.build import fitting_tokens
from llcray.targets.checkpoint.decoder.config import read_config
from llcray.targets.loss_on.spec import Examples, HeldOut, OtherData, OtherTokens, PythonExamples
from llcray.targets.python_build import call_factory
from llcray.targets.target import Target
from llcray.targets.trained.examples import batch_of, labelled_examples
from llcray.types import PyTree
from llcray.variant import Variant


def on_other_examples(target: Target, spec: Variant, loss_on: Examples) -> Target:
    """The target with the examples of `loss_on`; what is known of the LLC on its own data is dropped.

    Raises:
        ValueError: The target has no such examples, or they are of another form than its own.
    """
    data = jax.tree.map(np.asarray, _examples(loss_on, spec))
    own, other = _form(target.data), _form(data)
    if own != other:
        raise ValueError(
            f"loss_on {loss_on.cell()}: its examples have the form {other}, the target's {own}. Make them equal."
        )
    return dataclasses.replace(target, data=data, oracle=None)


@singledispatch
def _examples(loss_on: Examples, spec: Variant) -> PyTree:
    raise TypeError(f"{type(loss_on).__name__} has no builder. Add one in llcray/targets/loss_on/build.py.")


@_examples.register
def _(loss_on: HeldOut, spec: Variant) -> PyTree:
    trained = _trained(loss_on, spec)
    test = labelled_examples(trained).test
    if not len(test):
        raise ValueError("loss_on test: the target holds no examples out. Raise its data's test_fraction.")
    return batch_of(trained, test)


@_examples.register
def _(loss_on: OtherData, spec: Variant) -> PyTree:
    trained = _trained(loss_on, spec)
    # Checked anew: the data must suit the architecture and the teacher. The likelihood stays: it is the loss.
    fields = {name: getattr(trained, name) for name in type(trained).model_fields}
    other = fields | {"data": loss_on.data, "noise": loss_on.noise, "likelihood": trained.matched_likelihood()}
    alike = TrainedTarget(**other)
    return batch_of(alike, labelled_examples(alike).train)


@_examples.register
def _(loss_on: OtherTokens, spec: Variant) -> PyTree:
    if not isinstance(spec, CheckpointTarget):
        kind = getattr(spec, "kind", type(spec).__name__)
        raise ValueError(f"loss_on {loss_on.cell()} is for checkpoints; this target is {kind}. Use kind: python.")
    return {"tokens": fitting_tokens(loss_on.data.load(), read_config(spec.path), str(loss_on.data.path))}


@_examples.register
def _(loss_on: PythonExamples, spec: Variant) -> PyTree:
    del spec
    data = call_factory(loss_on.factory, loss_on.arguments, loss_on.seed)
    return jax.tree.map(lambda leaf: leaf[: loss_on.num_data], data)


def _trained(loss_on: Examples, spec: Variant) -> TrainedTarget:
    if not isinstance(spec, TrainedTarget):
        kind = getattr(spec, "kind", type(spec).__name__)
        raise ValueError(f"loss_on {loss_on.cell()} is for trained targets; this one is {kind}. Use kind: python.")
    return spec.in_force()


def _form(data: PyTree) -> str:
    """Structure, and shapes past the first axis."""
    return str(jax.tree.map(lambda leaf: tuple(np.shape(leaf)[1:]), data))
