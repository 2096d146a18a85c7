"""A module, a loss and data as a traced loss that is checked against torch."""

from typing import Any

import torch

from llcray.aten.errors import CallError, TorchLossError
from llcray.aten.traced import Traced
from llcray.aten.tracing.checks import Comparison, Gradients
from llcray.aten.tracing.places import at
from llcray.aten.tracing.state import examples_of, few_of, state_of
from llcray.aten.tracing.trace import Loss, losses_in_torch, trace
from llcray.components.structure import Structure


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
    few = few_of(examples)
    with torch.no_grad():
        losses = losses_in_torch(state.module, loss, {**state.parameters, **state.buffers}, few)
    _check_form(losses, len(next(iter(few.values()))))
    traced = trace(state.module, loss, state.parameters, state.buffers, few, ignore_detach=gradients == "losses")
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
        buffers={name: held[name].numpy() for name in traced.graph.buffers},
        data={name: examples[name].numpy() for name in traced.graph.inputs},
        is_likelihood=is_likelihood,
        structure=structure,
        made_by=torch.__version__,
    )


def _check_form(losses: Any, num_examples: int) -> None:
    if not isinstance(losses, torch.Tensor):
        raise TorchLossError(
            f"loss(module, batch) returned a {type(losses).__name__}; return a tensor of one loss per example."
        )
    if losses.shape != (num_examples,):
        raise TorchLossError(
            f"loss(module, batch) returned shape {tuple(losses.shape)} for {num_examples} examples; it must return one "
            f"loss per example, shape ({num_examples},): use reduction='none', and average within an example alone."
        )
