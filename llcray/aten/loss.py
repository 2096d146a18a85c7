"""A graph as a loss in JAX; equal by what it computes, so that checkpoints of one network share compiled programs."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from llcray.array_types import Array
from llcray.aten.errors import CallError, TorchLossError
from llcray.aten.graph import Call, DType, Graph, Ref
from llcray.aten.json_form import dumps
from llcray.aten.rules import RULES


@dataclass(frozen=True, eq=False)
class GraphLoss:
    """`loss(params, batch, buffers) -> (batch,)`: the losses of examples, computed in the parameters' type.

    Attributes:
        graph: The calls.
        made_by: The version of torch that traced the loss; losses of equal graphs are equal whatever it is.
    """

    graph: Graph
    made_by: str = ""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the graph's JSON."""
        return hashlib.sha256(dumps(self.graph).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GraphLoss) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __call__(
        self, params: Mapping[str, Array], batch: Mapping[str, Array], buffers: Mapping[str, Array] | None = None
    ) -> Array:
        """The losses of the examples of a batch.

        Args:
            params: Floating-point arrays of one type by name.
            batch: Arrays by name, with examples first; floating-point ones are cast to the parameters' type.
            buffers: The arrays that never move, by name, cast like those of the batch; None where there are none.

        Raises:
            CallError: An operator cannot be called on such values.
        """
        graph, types = self.graph, _Types(self.graph.dtype, jnp.result_type(*params.values()))
        values: list[Any] = [params[name] for name in graph.parameters]
        values += [_floating((buffers or {})[name], types.now) for name in graph.buffers]
        values += [_floating(batch[name], types.now) for name in graph.inputs]
        for number, call in enumerate(graph.calls):
            try:
                values.append(_evaluated(call, values, types))
            except Exception as error:
                raise CallError(number, call.op, error) from error
        return values[graph.result]


def check_rules(graph: Graph) -> None:
    """Refuses a graph with operators that have no rule.

    Raises:
        TorchLossError: There are such operators; the message names them.
    """
    if unknown := sorted({call.op for call in graph.calls} - set(RULES)):
        raise TorchLossError(f"there is no JAX rule for {', '.join(unknown)[:300]}; does a newer llcray have one?")


@dataclass(frozen=True)
class _Types:
    """The types in which a graph is computed.

    Attributes:
        traced: Type of the parameters when the loss was traced.
        now: Type of the parameters that the loss is given.
    """

    traced: str
    now: Any

    def of(self, name: str) -> Any:
        """The type that stands for a type of the trace; that of complex numbers has parts of the type it stands for."""
        if name == self.traced:
            return self.now
        if name == complex_of(self.traced):
            return complex_of(self.now)
        return jax.dtypes.canonicalize_dtype(name)


def complex_of(dtype: Any) -> str:
    """The type of complex numbers whose parts have a type; parts have 32 bits at least."""
    return jnp.promote_types(dtype, jnp.complex64).name


def _floating(array: Any, dtype: Any) -> Array:
    array = jnp.asarray(array)
    return array.astype(dtype) if jnp.issubdtype(array.dtype, jnp.floating) else array


def _evaluated(call: Call, values: list[Any], types: _Types) -> Any:
    args = _resolved(call.args, values, types)
    kwargs = {name: _resolved(value, values, types) for name, value in call.kwargs.items()}
    result = RULES[call.op](*args, **kwargs)
    if result is None:
        raise ValueError("this result of the operator before has no rule")
    return result.astype(types.of(call.dtype)) if call.dtype is not None else result


def _resolved(argument: Any, values: list[Any], types: _Types) -> Any:
    """An argument with values and types in place of references."""
    if isinstance(argument, Ref):
        return values[argument.number]
    if isinstance(argument, DType):
        return types.of(argument.name)
    if isinstance(argument, tuple):
        return tuple(_resolved(part, values, types) for part in argument)
    return argument
