"""Traced losses as targets: from a file, from stored arrays, or traced now, which alone needs torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from llcray.array_types import Arrays
from llcray.aten.description import description_of, text_and_arrays
from llcray.aten.errors import TorchLossError
from llcray.aten.file import read_file
from llcray.aten.installation import check_that_torch_is_installed
from llcray.aten.loss import GraphLoss, check_rules
from llcray.aten.traced import Traced
from llcray.targets.python import call_factory
from llcray.targets.target import Target

DESCRIPTION = "description"
"""Name of the description among the arrays of a stored target."""
RETURN = "Return (module, loss, data), or what llcray.torch.target or llcray.torch.language_model returns."


def target_of(traced: Traced) -> Target:
    """The target of a traced loss.

    Raises:
        TorchLossError: An operator of the graph has no rule.
    """
    check_rules(traced.graph)
    return Target(
        params=traced.params,
        loss_fn=GraphLoss(traced.graph, traced.made_by),
        data=traced.data,
        buffers=traced.buffers or None,
        is_likelihood=traced.is_likelihood,
        structure=traced.structure,
    )


def traced_of(target: Target) -> Traced:
    """The traced loss of a target.

    Raises:
        TorchLossError: The target's loss is not a traced one.
    """
    if not isinstance(target.loss_fn, GraphLoss):
        raise TorchLossError(
            f"the target's loss is a {type(target.loss_fn).__name__}, not one that llcray.torch traced"
        )
    return Traced(
        graph=target.loss_fn.graph,
        params=target.params,
        buffers=target.buffers or {},
        data=target.data,
        is_likelihood=target.is_likelihood,
        structure=target.structure,
        made_by=target.loss_fn.made_by,
    )


def build_from_file(path: Path) -> Target:
    """The target of a file that `llcray.torch.save` wrote."""
    return target_of(read_file(path))


def build_from_factory(factory: str, arguments: Mapping[str, Any], seed: int) -> Target:
    """The target of the module, loss and data that a function returns.

    Raises:
        TorchLossError: The function returns something else, torch is not installed, or the loss is refused.
    """
    check_that_torch_is_installed()
    from llcray.aten.tracing.module import trace_module

    made = call_factory(factory, arguments, seed)
    if isinstance(made, Target):
        return target_of(traced_of(made))
    if not isinstance(made, tuple) or len(made) != 3:
        raise TorchLossError(f"factory {factory!r} returned a {type(made).__name__}. {RETURN}")
    return target_of(trace_module(*made))


def arrays_of(target: Target) -> Arrays:
    """Parameters, buffers, data and the description of a target, as they are stored."""
    text, arrays = text_and_arrays(traced_of(target))
    return {**arrays, DESCRIPTION: np.frombuffer(text.encode(), np.uint8)}


def target_of_arrays(arrays: Arrays) -> Target:
    """The target whose stored arrays these are.

    Raises:
        TorchLossError: They are those of no traced loss.
    """
    text = bytes(np.asarray(arrays.get(DESCRIPTION, ()), np.uint8)).decode("utf-8", "replace")
    kept = {name: array for name, array in arrays.items() if name != DESCRIPTION}
    return target_of(description_of(text).with_arrays(kept))
