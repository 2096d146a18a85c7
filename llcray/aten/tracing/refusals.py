"""Sentences for losses that cannot be traced: what is in the way, where it stands, and what to write instead."""

import re
import traceback
from collections.abc import Iterable, Sequence

import torch
from torch.fx import Node
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode, free_unbacked_symbols

from llcray.aten.errors import TorchLossError
from llcray.aten.tracing.calls import op_name
from llcray.aten.tracing.places import at
from llcray.aten.tracing.state import HALF

FIXED = re.compile(r"specialized it to be a constant \((\d+)\)")
IN_JAX = "Write it with other operators, or give the loss in JAX (kind: python)."


class FixedBatchError(TorchLossError):
    """A loss that was traced for one number of examples alone."""


def refusal_of_operators(nodes: Sequence[Node]) -> TorchLossError:
    """The refusal of operators that have no rule, random ones first."""
    random = [node for node in nodes if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())]
    if random:
        return TorchLossError(
            f"the loss draws random numbers: {_listed(random)}. A loss must be the same at each call: call "
            "module.eval(), or draw the numbers once and keep them in the data."
        )
    return TorchLossError(f"there is no JAX rule for {_listed(nodes)}. {IN_JAX}")


def refuse_sizes_by_values(nodes: Sequence[Node]) -> None:
    """Refuses arrays and numbers whose size or value is known only once the loss is computed.

    Raises:
        TorchLossError: There are such; the message says where.
    """
    for node in nodes:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor | torch.SymInt | torch.SymFloat | torch.SymBool) and free_unbacked_symbols(
            value
        ):
            raise TorchLossError(
                f"the loss takes a number or a size from the values of an array: {op_name(node.target)}"
                f"{at(node.stack_trace)}. Leave the number in its array (no .item()), and mask with torch.where in "
                "place of an index of Booleans."
            )


def refuse_half_precision(nodes: Sequence[Node], parameters: Iterable[Node]) -> None:
    """Refuses what is computed in half precision of parameters, which makes steps of a loss that moves smoothly.

    Raises:
        TorchLossError: There is such; the message says where.
    """
    moving = set(parameters)
    for node in nodes:
        if moving.isdisjoint(node.all_input_nodes):
            continue
        moving.add(node)
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor) and value.dtype in HALF:
            raise TorchLossError(
                f"the loss rounds to {str(value.dtype).removeprefix('torch.')}{at(node.stack_trace)}, by steps that "
                "chains would not see in its gradient. Leave out autocast and casts to half precision: a module's "
                "half-precision parameters are float32 here."
            )


def refuse_strides(nodes: Sequence[Node]) -> None:
    """Refuses elements by their distances in memory, of arrays whose elements do not lie in order.

    Raises:
        TorchLossError: There are such; the message says where.
    """
    for node in nodes:
        if op_name(node.target) == "aten.as_strided.default":
            value = node.all_input_nodes[0].meta["val"]
            if not value.is_contiguous() or value.storage_offset():
                raise TorchLossError(
                    f"as_strided takes elements of an array that is a view of another{at(node.stack_trace)}. Call "
                    ".contiguous() first, or use unfold."
                )


def _listed(nodes: Sequence[Node]) -> str:
    first = {op_name(node.target): node for node in reversed(nodes)}
    return "; ".join(f"{op}{at(node.stack_trace)}" for op, node in sorted(first.items()))


def refusal_of_call(error: Exception, num_examples: int) -> TorchLossError:
    """The refusal of a loss that fails in torch itself."""
    place = at("".join(traceback.format_tb(error.__traceback__)))
    first_line = str(error).strip().partition("\n")[0].rstrip(".")
    return TorchLossError(
        f"the loss fails in torch on a batch of {num_examples} examples{place}: {type(error).__name__}: {first_line}. "
        "A loss takes a batch of any size: a dict of tensors with examples first."
    )


def refusal_of_export(error: Exception) -> TorchLossError:
    """The refusal of a loss that `torch.export` could not trace."""
    text = str(error)
    place = at("".join(traceback.format_tb(error.__traceback__)))
    if isinstance(error, GuardOnDataDependentSymNode):
        return TorchLossError(
            f"the loss branches on values of its arrays{place}. Compute both branches and choose with torch.where."
        )
    if fixed := FIXED.search(text):
        return FixedBatchError(
            f"the loss takes {fixed[1]} examples only, the number it was traced with. Take the number from x.shape[0] "
            "(len(x) is a constant to the tracer), write -1 in a reshape, and an einsum of three arrays as two."
        )
    first_line = text.strip().partition("\n")[0].rstrip(".")
    return TorchLossError(f"torch.export cannot trace the loss{place}: {first_line}. {IN_JAX}")
