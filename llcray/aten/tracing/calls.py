"""Nodes of torch's graphs as calls of ours, without anything of torch's in them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.fx import Node

from llcray.aten.errors import TorchLossError
from llcray.aten.graph import RESULTS, Call, DType, Ref
from llcray.aten.tracing.places import at

LEFT_OUT = ("device", "layout", "pin_memory", "memory_format", "non_blocking")
"""Arguments that say where an array lies."""


def call_of(node: Node, numbers: Mapping[Node, int]) -> Call:
    """The call that a node makes.

    Args:
        node: A node that calls a function.
        numbers: Numbers of the values before it.

    Raises:
        TorchLossError: An argument or the result is of a kind that graphs do not hold.
    """
    args, kwargs = _in_order(node)
    value = node.meta.get("val")
    try:
        dtype = type_name(value.dtype) if isinstance(value, torch.Tensor) else None
        plain = tuple(_plain(argument, numbers) for argument in args)
        named = {name: _plain(each, numbers) for name, each in kwargs.items() if name not in LEFT_OUT}
    except TorchLossError as error:
        raise TorchLossError(f"{op_name(node.target)}{at(node.stack_trace)}: {error}") from None
    return Call(op_name(node.target), plain, named, dtype)


def op_name(target: Any) -> str:
    """The name of an operator: `aten.add.Tensor`, `operator.add`, `torch.sym_max`."""
    if isinstance(target, torch._ops.OpOverload):
        return str(target)
    module = getattr(target, "__module__", "")
    return f"{'operator' if module == '_operator' else module}.{getattr(target, '__name__', target)}"


def type_name(dtype: torch.dtype) -> str:
    """The name that torch and NumPy share of a type of arrays.

    Raises:
        TorchLossError: Graphs hold no such arrays.
    """
    name = str(dtype).removeprefix("torch.")
    if name not in RESULTS:
        raise TorchLossError(f"arrays of type {name} have no rules; there are rules for {', '.join(RESULTS)}")
    return name


def _in_order(node: Node) -> tuple[list[Any], dict[str, Any]]:
    """Arguments by position wherever the operator's schema gives them one, and the others by name."""
    args, kwargs = list(node.args), dict(node.kwargs)
    if not isinstance(node.target, torch._ops.OpOverload):
        return args, kwargs
    places = [argument for argument in node.target._schema.arguments if not argument.kwarg_only]
    last = max((place for place, argument in enumerate(places) if argument.name in kwargs), default=-1)
    for argument in places[len(args) : last + 1]:
        args.append(kwargs.pop(argument.name, argument.default_value))
    return args, kwargs


def _plain(argument: Any, numbers: Mapping[Node, int]) -> Any:
    if isinstance(argument, Node):
        return Ref(numbers[argument])
    if isinstance(argument, torch.dtype):
        return DType(type_name(argument))
    if isinstance(argument, torch.device | torch.layout | torch.memory_format):
        return None
    if isinstance(argument, list | tuple):
        return tuple(_plain(part, numbers) for part in argument)
    if argument is None or isinstance(argument, bool | int | float | str):
        return argument
    raise TorchLossError(f"an argument of type {type(argument).__name__} has no form in a graph")
