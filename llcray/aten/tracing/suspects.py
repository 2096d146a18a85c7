"""Lines that may be why torch's gradient is not the derivative of the losses."""

import torch

from llcray.aten.tracing.places import at
from llcray.aten.tracing.state import State
from llcray.aten.tracing.trace import Loss, Tensors, export


def line_of_no_grad(state: State, loss: Loss, few: Tensors) -> str:
    """The first line under `torch.no_grad`, in the words of an error; empty where there is none."""
    with torch.enable_grad():
        program = export(state.module, loss, {**state.parameters, **state.buffers}, few)
    nodes = iter(program.graph.nodes)
    if any("set_grad_enabled" in str(node.target) for node in nodes):
        return f"torch.no_grad cuts a part of it off{next((at(node.stack_trace) for node in nodes), '')}"
    return ""
