"""A traced loss with its arrays: what tracing gives, and what a file holds."""

from dataclasses import dataclass

from llcray.array_types import Arrays
from llcray.aten.graph import Graph
from llcray.components.structure import Structure


@dataclass(frozen=True)
class Traced:
    """A traced loss, and arrays on the host by name.

    Attributes:
        graph: The loss.
        params: w*: the parameters that the loss uses.
        buffers: The arrays that never move.
        data: The examples, along the first axis of each array.
        is_likelihood: Whether the loss is a negative log-likelihood.
        structure: Numbers of layers and heads, where given.
        made_by: The version of torch that traced the loss.
    """

    graph: Graph
    params: Arrays
    buffers: Arrays
    data: Arrays
    is_likelihood: bool = True
    structure: Structure | None = None
    made_by: str = ""
