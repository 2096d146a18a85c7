"""A module, a loss and data as a traced loss that is checked against torch."""

from collections.abc import Sequence
from typing import Any

import torch

from llcray.aten.errors import CallError, TorchLossError
from llcray.aten.traced import Traced
from llcray.aten.tracing.checks import Comparison, Gradients
from llcray.aten.tracing.places import at
from llcray.aten.tracing.refusals import FixedBatchError, refusal_of_call
from llcray.aten.tracing.state import State, array_of, examples_of, few_of, state_of
from llcray.aten.tracing.trace import Loss, Tensors, Trace, losses_in_torch, trace
from llcray.components.structure import Structure

NUM_EXAMPLES = (11, 13)
"""Numbers of examples to trace a loss with. Torch takes one that is the length of another axis too for constant."""


def trace_module(
    module: torch.nn.Module,
    loss: Loss,
    data: Any,
    gradients: Gradients = "torch",
    is_likelihood: bool = True,
    structure: Structure | None = None,
) -> Traced:
    """The traced loss of a module; arguments are those of `llcray.torch.target`.

    Raises:
        TorchLossError: The loss cannot be traced, or JAX would compute something else than torch does.
    """
    state, examples = state_of(module), examples_of(data)
    traced, few = _trace(state, loss, examples, gradients, NUM_EXAMPLES)
    if not traced.graph.parameters:
        raise TorchLossError(
            "the losses do not depend on a parameter of the module. Does the loss call its first argument, not a "
            "module from outside of it?"
        )
    try:
        Comparison(state, loss, traced, few, gradients).check()
    except CallError as error:
        raise TorchLossError(
            f"the loss cannot be computed in JAX: {error.cause}{at(traced.traces[error.number])}"
        ) from error
    held = state.buffers | dict(traced.constants)
    return Traced(
        graph=traced.graph,
        params={name: state.parameters[name].numpy() for name in traced.graph.parameters},
        buffers={name: array_of(held[name]) for name in traced.graph.buffers},
        data={name: array_of(examples[name]) for name in traced.graph.inputs},
        is_likelihood=is_likelihood,
        structure=structure,
        made_by=torch.__version__,
    )


def _trace(
    state: State, loss: Loss, examples: Tensors, gradients: Gradients, counts: Sequence[int]
) -> tuple[Trace, Tensors]:
    """The traced loss and the examples that it was traced with, by the first number of these that it is traced with."""
    count, *others = counts
    few = few_of(examples, count)
    _check_form(state, loss, few, count)
    try:
        return trace(state.module, loss, state.parameters, state.buffers, few, gradients == "losses"), few
    except FixedBatchError:
        if not others:
            raise
        return _trace(state, loss, examples, gradients, others)


def _check_form(state: State, loss: Loss, batch: Tensors, num_examples: int) -> None:
    """Checks that the loss of a batch is one of each example, in torch."""
    try:
        with torch.no_grad():
            losses = losses_in_torch(state.module, loss, {**state.parameters, **state.buffers}, batch)
    except Exception as error:
        raise refusal_of_call(error, num_examples) from error
    if not isinstance(losses, torch.Tensor):
        raise TorchLossError(
            f"loss(module, batch) returned a {type(losses).__name__}; return a tensor of one loss per example."
        )
    if losses.shape != (num_examples,):
        raise TorchLossError(
            f"loss(module, batch) returned shape {tuple(losses.shape)} for {num_examples} examples; it must return one "
            f"loss per example, shape ({num_examples},): use reduction='none', and average within an example alone."
        )
