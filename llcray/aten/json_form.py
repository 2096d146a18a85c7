"""Graphs as JSON, in one form each: equal texts are equal losses. A text of somebody else's is read within bounds."""

import json
import math
from collections.abc import Mapping
from typing import Any

from llcray.aten.errors import TorchLossError
from llcray.aten.graph import REALS, RESULTS, Call, DType, Graph, Ref

MOST_CHARACTERS = 64_000_000
"""Length of a text; a GPT-2 has 20,000 characters."""
MOST_CALLS = 200_000
DEEPEST = 6
"""Depth of lists in a call's arguments; ATen has lists of arrays at most."""
LONGEST_NAME = 500
LARGEST = 2**63
"""Whole numbers are smaller than this in size, as torch's are."""
INFINITIES = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def dumps(graph: Graph) -> str:
    """The JSON text of a graph."""
    return json.dumps(form_of(graph), sort_keys=True, separators=(",", ":"), allow_nan=False)


def form_of(graph: Graph) -> dict[str, Any]:
    """The graph as values of JSON."""
    return {
        "parameters": list(graph.parameters),
        "buffers": list(graph.buffers),
        "inputs": list(graph.inputs),
        "calls": [_call_form(call) for call in graph.calls],
        "result": graph.result,
        "dtype": graph.dtype,
    }


def _call_form(call: Call) -> list[Any]:
    """A call as `[operator, type, arguments, arguments by name]`, the last left out where there are none."""
    form = [call.op, call.dtype, [_argument_form(argument) for argument in call.args]]
    return [*form, {name: _argument_form(value) for name, value in call.kwargs.items()}] if call.kwargs else form


def _argument_form(argument: Any) -> Any:
    if isinstance(argument, Ref):
        return {"value": argument.number}
    if isinstance(argument, DType):
        return {"type": argument.name}
    if isinstance(argument, tuple):
        return [_argument_form(part) for part in argument]
    if isinstance(argument, float) and not math.isfinite(argument):
        return {"number": str(argument)}
    return argument


def graph_of(form: Any) -> Graph:
    """The graph of values of JSON.

    Raises:
        TorchLossError: The value is no graph, or larger, deeper or longer than any graph is.
    """
    names = ("parameters", "buffers", "inputs", "calls", "result", "dtype")
    if not isinstance(form, dict) or set(form) != set(names):
        raise TorchLossError(f"the graph has not the fields {', '.join(names)}")
    given = {kind: _names(kind, form[kind]) for kind in ("parameters", "buffers", "inputs")}
    num_given = sum(map(len, given.values()))
    forms = form["calls"]
    if not isinstance(forms, list) or not 0 < len(forms) <= MOST_CALLS:
        raise TorchLossError(f"the graph has no list of 1 to {MOST_CALLS} calls")
    calls = tuple(_call(number, each) for number, each in enumerate(forms, num_given))
    result = form["result"]
    if type(result) is not int or not 0 <= result < num_given + len(calls):
        raise TorchLossError(f"the graph's result is {_shown(result)}, which is no value")
    if form["dtype"] not in REALS:
        raise TorchLossError(f"the graph's parameters have the type {_shown(form['dtype'])}; use {', '.join(REALS)}")
    return Graph(**given, calls=calls, result=result, dtype=form["dtype"])


def _names(kind: str, names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TorchLossError(f"the graph's {kind} are no list of names")
    if wrong := [name for name in names if not 0 < len(name) <= LONGEST_NAME]:
        raise TorchLossError(f"the graph's {kind} hold {_shown(wrong[0])}; names have 1 to {LONGEST_NAME} characters")
    if len(set(names)) < len(names):
        raise TorchLossError(f"the graph's {kind} hold one name twice")
    return tuple(names)


def _call(number: int, form: Any) -> Call:
    if not isinstance(form, list) or len(form) not in (3, 4):
        raise TorchLossError(f"call {number} is no list of operator, type and arguments")
    op, dtype, args = form[:3]
    kwargs = form[3] if len(form) == 4 else {}
    if not isinstance(op, str) or not isinstance(args, list) or not isinstance(kwargs, dict):
        raise TorchLossError(f"call {number} is no list of operator, type and arguments")
    if dtype is not None and dtype not in RESULTS:
        raise TorchLossError(f"call {number} has the type {_shown(dtype)}; use {', '.join(RESULTS)}")
    named: Mapping[str, Any] = {name: _argument(number, value, DEEPEST) for name, value in kwargs.items()}
    return Call(op, tuple(_argument(number, argument, DEEPEST) for argument in args), named, dtype)


def _argument(number: int, form: Any, depth: int) -> Any:
    if form is None or isinstance(form, bool | str | float):
        return form
    if isinstance(form, int) and abs(form) <= LARGEST:
        return form
    if isinstance(form, list) and depth:
        return tuple(_argument(number, part, depth - 1) for part in form)
    if isinstance(form, dict) and len(form) == 1:
        [(sort, value)] = form.items()
        if sort == "value" and type(value) is int and 0 <= value < number:
            return Ref(value)
        if sort == "type" and value in RESULTS:
            return DType(value)
        if sort == "number" and value in INFINITIES:
            return INFINITIES[value]
    raise TorchLossError(f"call {number} has the argument {_shown(form)}, which is none")


def _shown(value: Any) -> str:
    return f"{value!r:.60}"
