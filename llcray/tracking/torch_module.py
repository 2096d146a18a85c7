"""A PyTorch module in training, as a target whose loss is traced once.

The module is copied, and the copy set to evaluation mode: training goes on as if nothing had been looked at.
"""

import copy
from collections.abc import Callable
from typing import Any

from llcray.array_types import PyTree
from llcray.components.counts import structure_in
from llcray.targets.target import Target
from llcray.targets.torch.build import target_of, traced_of
from llcray.torch.target import target

WRAPPERS = {
    "torch.nn.parallel.distributed.DistributedDataParallel": "module",
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    "torch._dynamo.eval_frame.OptimizedModule": "_orig_mod",
}
"""Modules that hold the module that is trained, by the attribute that is it."""


def is_torch_module(model: Any) -> bool:
    """Whether a model is a `torch.nn.Module`; torch is not imported."""
    return any(
        f"{kind.__module__}.{kind.__qualname__}" == "torch.nn.modules.module.Module" for kind in type(model).__mro__
    )


def copied(module: Any) -> Any:
    """A copy of a PyTorch module as it is now, on the CPU and in evaluation mode."""
    kind = type(module)
    while attribute := WRAPPERS.get(f"{kind.__module__}.{kind.__qualname__}"):
        module = getattr(module, attribute)
        kind = type(module)
    return copy.deepcopy(module).cpu().eval()


def target_of_module(
    module: Any, loss_fn: Callable[..., Any], data: PyTree, is_likelihood: bool, before: Target | None
) -> Target:
    """The target of a module.

    Args:
        module: The `torch.nn.Module`; it stays as it is.
        loss_fn: `loss_fn(module, batch) -> (n,)` in torch, nats.
        data: Examples by name, or a tuple of arrays, of which `loss_fn` then gets a tuple.
        is_likelihood: Whether the loss is a negative log-likelihood.
        before: The target of the step tracked before, whose graph serves again where it still gives torch's losses.

    Raises:
        TorchLossError: The loss cannot be traced, or JAX would compute something else than torch does.
    """
    module = copied(module)
    loss, named = (_OfTuple(loss_fn), _named(data)) if isinstance(data, tuple) else (loss_fn, data)
    if before is not None:
        from llcray.aten.tracing.again import trace_again

        return target_of(trace_again(traced_of(before), module, loss, named))
    structure = structure_in(getattr(module, "config", None) or getattr(module, "cfg", None))
    return target(module, loss, named, is_likelihood=is_likelihood, structure=structure)


def _named(data: tuple[Any, ...]) -> dict[str, Any]:
    return {str(place): array for place, array in enumerate(data)}


class _OfTuple:
    """A loss of batches by name, from one of tuples."""

    def __init__(self, loss_fn: Callable[..., Any]) -> None:
        self._loss_fn = loss_fn

    def __call__(self, module: Any, batch: Any) -> Any:
        return self._loss_fn(module, tuple(batch[name] for name in sorted(batch, key=int)))
