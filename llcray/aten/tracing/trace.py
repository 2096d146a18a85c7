"""Tracing of a loss by `torch.export` into a graph.

Parameters and buffers are arguments of what is traced, so that names of modules that are no names of Python, and tied
weights, do not matter. Operators that have a rule are not decomposed: torch's decompositions of attention, recurrent
layers and `detach` are longer, or have another gradient.
"""

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.export import Dim, ExportedProgram
from torch.fx import Node
from torch.fx.traceback import annotate_fn

from llcray.aten.errors import TorchLossError
from llcray.aten.graph import Call, Graph, Ref
from llcray.aten.rules import RULES
from llcray.aten.tracing.calls import call_of, op_name, type_name
from llcray.aten.tracing.places import at
from llcray.aten.tracing.refusals import (
    refusal_of_export,
    refusal_of_operators,
    refuse_half_precision,
    refuse_sizes_by_values,
    refuse_strides,
)

Loss = Callable[[Any, Any], torch.Tensor]
"""`loss(module, batch) -> (batch,)` in torch."""
Tensors = Mapping[str, torch.Tensor]
DETACH = "aten.detach.default"


@dataclass(frozen=True)
class Trace:
    """A traced loss.

    Attributes:
        graph: The loss.
        constants: Arrays that the loss made or found outside of the module, by their names among the graph's buffers.
        traces: The stack trace of each call, where torch kept one.
    """

    graph: Graph
    constants: Tensors
    traces: tuple[str | None, ...]


class _Holder(torch.nn.Module):
    def __init__(self, module: torch.nn.Module, loss: Loss) -> None:
        super().__init__()
        self.module, self.loss = module, loss

    def forward(self, batch: Tensors) -> torch.Tensor:
        return self.loss(self.module, batch)


class _WithState(torch.nn.Module):
    def __init__(self, module: torch.nn.Module, loss: Loss) -> None:
        super().__init__()
        self._held = (_Holder(module, loss),)  # in a tuple: no submodule, whose state would be traced as the module's

    def forward(self, state: Tensors, batch: Tensors) -> torch.Tensor:
        return torch.func.functional_call(
            self._held[0], {f"module.{name}": tensor for name, tensor in state.items()}, (batch,)
        )


def losses_in_torch(module: torch.nn.Module, loss: Loss, state: Tensors, batch: Tensors) -> torch.Tensor:
    """The losses of a batch at a state, as torch computes them."""
    return _WithState(module, loss)(state, batch)


def export(module: torch.nn.Module, loss: Loss, state: Tensors, batch: Tensors) -> ExportedProgram:
    """The loss as torch's own graph, of any number of examples.

    Raises:
        TorchLossError: The loss cannot be traced.
    """
    dynamic = {"state": dict.fromkeys(state), "batch": {name: {0: Dim.DYNAMIC} for name in batch}}
    try:
        with _quiet():
            # Torch keeps lines of the loss besides those of modules where the loss is annotated.
            annotated = annotate_fn({"llcray": "loss"})(loss)
            return torch.export.export(
                _WithState(module, annotated), (dict(state), dict(batch)), dynamic_shapes=dynamic, strict=False
            )
    except Exception as error:
        raise refusal_of_export(error) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps torch from logging and printing what a refusal says in one sentence, and from warning of its own code."""
    loggers = [logging.getLogger(name) for name in ("torch.fx.experimental.symbolic_shapes", "torch.export")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with redirect_stderr(io.StringIO()), warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def trace(
    module: torch.nn.Module, loss: Loss, parameters: Tensors, buffers: Tensors, batch: Tensors, ignore_detach: bool
) -> Trace:
    """The graph of a loss.

    Args:
        module: The module, in evaluation mode.
        loss: The loss.
        parameters: The parameters that may move.
        buffers: The arrays of the module that do not.
        batch: Two examples or more, by name.
        ignore_detach: Whether what `detach` cuts off has a gradient all the same.

    Raises:
        TorchLossError: The loss cannot be traced, or has operators without a rule.
    """
    with torch.no_grad():
        program = _decomposed(export(module, loss, {**parameters, **buffers}, batch))
    _refuse_changes(program)
    given, constants = _given(program, parameters, buffers, batch)
    result, nodes = _needed(program)
    refuse_sizes_by_values(nodes)
    refuse_strides(nodes)
    refuse_half_precision(nodes, given["parameters"])
    if unknown := [node for node in nodes if op_name(node.target) not in RULES]:
        raise refusal_of_operators(unknown)
    kinds = ("parameters", "buffers", "inputs")
    used = {argument for node in (*nodes, result) for argument in (node, *node.all_input_nodes)}
    places = [node for kind in kinds for node in given[kind] if node in used]
    pairs = [node for node in places if node.meta["val"].is_complex()]
    # A complex array is given as pairs of real numbers; further calls refer to what the first calls make of them.
    made = [_of_pairs(node, places.index(node)) for node in pairs]
    numbers = {node: number for number, node in enumerate((*places, *pairs, *nodes))}
    calls = [*made, *(call_of(node, numbers) for node in nodes)]
    graph = Graph(
        **{kind: tuple(name for node, name in given[kind].items() if node in used) for kind in kinds},
        calls=tuple(calls),
        result=numbers[result],
        dtype=type_name(next(iter(parameters.values())).dtype),
    )
    kept = {name: tensor for name, tensor in constants.items() if name in graph.buffers}
    graph = without_detach(graph) if ignore_detach else graph
    return Trace(graph, kept, (*(None for _ in pairs), *(node.stack_trace for node in nodes)))


def _of_pairs(node: Node, number: int) -> Call:
    return Call("aten.view_as_complex.default", (Ref(number),), dtype=type_name(node.meta["val"].dtype))


def _decomposed(program: ExportedProgram) -> ExportedProgram:
    table = torch.export.default_decompositions()
    for operator in [operator for operator in table if str(operator) in RULES]:
        table.pop(operator)
    with _quiet():
        return program.run_decompositions(table)


def _refuse_changes(program: ExportedProgram) -> None:
    for output in program.graph_signature.output_specs:
        if output.kind.name not in ("USER_OUTPUT", "TOKEN"):  # a token orders checks, such as that of a factorization
            raise TorchLossError(
                f"the loss changes an array of the module or of the batch in place ({output.target or output.arg}). A "
                "loss must leave them as they are: call module.eval(), or work on a copy (x = x.clone())."
            )


def _given(
    program: ExportedProgram, parameters: Tensors, buffers: Tensors, batch: Tensors
) -> tuple[dict[str, dict[Node, str]], dict[str, torch.Tensor]]:
    """The placeholders of parameters, buffers and inputs with their names, and the constants among the buffers."""
    places = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    named: dict[str, dict[Node, str]] = {"parameters": {}, "buffers": {}, "inputs": {}}
    constants: dict[str, torch.Tensor] = {}
    # Arguments arrive in the order of `_WithState.forward`: the state's, then the batch's.
    arguments = iter(
        [("parameters", name) for name in parameters]
        + [("buffers", name) for name in buffers]
        + [("inputs", name) for name in batch]
    )
    for spec in program.graph_signature.input_specs:
        node = places[spec.arg.name]
        if spec.kind.name == "USER_INPUT":
            kind, name = next(arguments)
            named[kind][node] = name
        elif spec.kind.name in ("CONSTANT_TENSOR", "BUFFER", "PARAMETER"):
            held: Any = program.state_dict | program.constants
            name = f"constant.{len(constants)}"
            named["buffers"][node] = name
            constants[name] = held[spec.target].detach()
        elif spec.kind.name != "TOKEN":
            raise TorchLossError(f"the loss uses an object that cannot be traced ({spec.kind.name}, {spec.target})")
    return named, constants


def _needed(program: ExportedProgram) -> tuple[Node, list[Node]]:
    """The node of the losses, and the calls that it needs; assertions of the tracer are none of these."""
    (output,) = (node for node in program.graph.nodes if node.op == "output")
    made: Any = output.args[0]
    kinds = [spec.kind.name for spec in program.graph_signature.output_specs]
    results = [one for one, kind in zip(made, kinds, strict=True) if kind == "USER_OUTPUT"]
    if len(results) != 1 or not isinstance(results[0], Node):
        raise TorchLossError("loss(module, batch) returned no array of losses. Return one loss per example.")
    result = results[0]
    needed, waiting = set(), [result]
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            waiting.extend(node.all_input_nodes)
    for node in needed:
        if node.op not in ("placeholder", "call_function"):
            raise TorchLossError(
                f"the loss has control flow or a module that is traced apart ({node.target}){at(node.stack_trace)}. "
                "Write it with torch.where."
            )
    return result, [node for node in program.graph.nodes if node in needed and node.op == "call_function"]


def without_detach(graph: Graph) -> Graph:
    """The graph of the same losses, where what is detached has a gradient all the same."""
    calls = (replace(call, op="aten.alias.default") if call.op == DETACH else call for call in graph.calls)
    return replace(graph, calls=tuple(calls))
