"""The record of a loss: calls of ATen, in their order. Here is neither JAX nor torch.

Values have numbers. The first are those that the loss is given: parameters, buffers, arrays of the batch, in the order
of their names here; each call has the next number. A call refers to values before it alone, so a graph has no cycle.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NUMBERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
REALS = ("float16", "bfloat16", "float32", "float64")
TYPES = (*NUMBERS, *REALS)
"""Types of arrays that a loss is given, by the names that torch and NumPy share."""
COMPLEX = ("complex64", "complex128")
RESULTS = (*TYPES, *COMPLEX)
"""Types of arrays that a call may make. Complex arrays that a loss is given are pairs of real numbers."""


@dataclass(frozen=True)
class Ref:
    """A value, as an argument of a call.

    Attributes:
        number: Number of the value.
    """

    number: int


@dataclass(frozen=True)
class DType:
    """A type of arrays, as an argument of a call.

    Attributes:
        name: One of `RESULTS`.
    """

    name: str


@dataclass(frozen=True)
class Call:
    """A call of an ATen operator.

    Attributes:
        op: Operator and overload: `aten.add.Tensor`.
        args: References, types, numbers, texts, None, and tuples of these.
        kwargs: The same, by the operator's names.
        dtype: Type of the resulting array; None where the result is no array.
    """

    op: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    dtype: str | None = None

    def references(self) -> Iterator[int]:
        """Numbers of the values that the call uses."""
        yield from _references((self.args, tuple(self.kwargs.values())))


def _references(argument: Any) -> Iterator[int]:
    if isinstance(argument, Ref):
        yield argument.number
    elif isinstance(argument, tuple):
        for part in argument:
            yield from _references(part)


@dataclass(frozen=True)
class Graph:
    """A loss as calls of ATen.

    Attributes:
        parameters: Names of the parameters that the loss uses, as `named_parameters()` has them.
        buffers: Names of the arrays that never move: buffers of the module, parameters that are not trained, constants.
        inputs: Names of the arrays of the batch that the loss uses.
        calls: The calls.
        result: Number of the value that holds the losses.
        dtype: Type of the parameters when the loss was traced. Arrays of this type take the type of the parameters that
            the loss is given; arrays of other types keep theirs.
    """

    parameters: tuple[str, ...]
    buffers: tuple[str, ...]
    inputs: tuple[str, ...]
    calls: tuple[Call, ...]
    result: int
    dtype: str = "float32"

    @property
    def num_given(self) -> int:
        """Number of values that the loss is given."""
        return len(self.parameters) + len(self.buffers) + len(self.inputs)
