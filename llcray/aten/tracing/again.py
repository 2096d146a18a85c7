"""A module at another point of its training as a traced loss, without another trace."""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
import torch

from llcray.array_types import Arrays
from llcray.aten.errors import TorchLossError
from llcray.aten.loss import GraphLoss
from llcray.aten.traced import Traced
from llcray.aten.tracing.checks import Gradients, compare_losses
from llcray.aten.tracing.module import NUM_EXAMPLES, trace_module
from llcray.aten.tracing.state import array_of, examples_of, few_of, state_of
from llcray.aten.tracing.trace import Loss, losses_in_torch


def trace_again(
    known: Traced, module: torch.nn.Module, loss: Loss, data: Any, gradients: Gradients = "torch"
) -> Traced:
    """The traced loss of a module that is most likely the one of an earlier trace, with other weights.

    The earlier graph serves if, with the module's parameters and buffers, it gives torch's losses on a few examples;
    otherwise the module is traced and checked as a new one.

    Args:
        known: The earlier trace, of a loss of the same form.
        module: In evaluation mode.
        loss: `loss(module, batch) -> (n,)` in torch.
        data: Examples by name.
        gradients: As `llcray.torch.target` has it, for a new trace.

    Raises:
        TorchLossError: The module has to be traced anew, and cannot be.
    """
    state, examples = state_of(module), examples_of(data)
    held = {**state.buffers, **state.parameters}
    params = _renewed(known.params, {name: tensor.numpy() for name, tensor in state.parameters.items()})
    # Arrays from outside of the module have names of their own, and stay.
    outside = {name: array for name, array in known.buffers.items() if name not in held}
    buffers = _renewed(known.buffers, {**outside, **{name: array_of(tensor) for name, tensor in held.items()}})
    given = _renewed(known.data, {name: array_of(tensor) for name, tensor in examples.items()}, first_axis=False)
    if params is not None and buffers is not None and given is not None:
        few = few_of(examples, NUM_EXAMPLES[0])
        with torch.no_grad():
            theirs = losses_in_torch(state.module, loss, {**state.parameters, **state.buffers}, few)
        batch = {name: array_of(few[name]) for name in given}
        try:
            compare_losses(np.asarray(_losses(GraphLoss(known.graph), params, batch, buffers)), theirs.numpy())
        except TorchLossError:
            pass
        else:
            return replace(known, params=params, buffers=buffers, data=given)
    return trace_module(module, loss, data, gradients, known.is_likelihood, known.structure)


def _renewed(known: Arrays, now: Arrays, first_axis: bool = True) -> Arrays | None:
    """Arrays of today by the names of the earlier ones; None where one is missing or of another form."""
    skip = 0 if first_axis else 1
    for name, array in known.items():
        if name not in now or now[name].shape[skip:] != array.shape[skip:] or now[name].dtype != array.dtype:
            return None
    return {name: now[name] for name in known}


@partial(jax.jit, static_argnums=0)
def _losses(loss: GraphLoss, params: Arrays, batch: Arrays, buffers: Arrays) -> jax.Array:
    return loss(params, batch, buffers)
