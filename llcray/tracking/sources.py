"""Sources that users hand to a tracker: parameters or modules, and data or batches of data."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from llcray.array_types import PyTree

SURROGATES = ("ppo", "grpo", "ppo_surrogate", "grpo_surrogate", "policy_gradient", "surrogate")


def examples_of(source: Any, num_data: int | None) -> PyTree:
    """All examples of a source as one pytree on the host.

    Args:
        source: A pytree of arrays with examples first, an iterable of such pytrees, or a function that returns either.
        num_data: Number of examples to keep; None keeps all.

    Raises:
        ValueError: The source holds no examples, or fewer than asked for.
    """
    source = source() if callable(source) else source
    data = source if _is_data(source) else _concatenated(source, num_data)
    leaves = jax.tree.leaves(data)
    num_found = len(leaves[0]) if leaves else 0
    if not num_found or (num_data is not None and num_found < num_data):
        raise ValueError(
            f"the source of batches holds {num_found} examples, not the {num_data or 'one or more'} asked for"
        )
    return jax.tree.map(lambda leaf: on_host(leaf)[:num_data], data)


def _is_data(source: Any) -> bool:
    """Whether a source is data, as a dict, tuple or array is; a list, generator or loader yields batches."""
    return isinstance(source, dict | tuple | np.ndarray | jax.Array)


def _concatenated(batches: Iterable[PyTree], num_data: int | None) -> PyTree:
    kept: list[PyTree] = []
    num_found = 0
    for batch in batches:
        batch = jax.tree.map(on_host, _plain(batch))
        kept.append(batch)
        num_found += len(jax.tree.leaves(batch)[0])
        if num_data is not None and num_found >= num_data:
            break
    if not kept:
        raise ValueError("the source of batches yielded none. Generators run once: give a list or a function.")
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *kept)


def on_host(array: Any) -> np.ndarray:
    """An array or a tensor of PyTorch as an array on the host; torch's half-precision ones as float32."""
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        array = array.float() if array.is_floating_point() and array.element_size() == 2 else array
    return np.asarray(array)


def _plain(batch: Any) -> Any:
    """A batch as a tuple or a dict, where loaders yield lists and Hugging Face's tokenizers their own mappings."""
    if isinstance(batch, list):
        return tuple(batch)
    return dict(batch) if isinstance(batch, Mapping) else batch


def params_of(model: Any, loss_fn: Callable[..., Any]) -> tuple[PyTree, Callable[..., Any]]:
    """The parameters of a model as a pytree, and the loss as a function of that pytree.

    A flax nnx module is split into its parameters and the rest, and merged again inside the loss.
    """
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(model).__mro__}
    if not any(kind.startswith("flax.nnx.") for kind in kinds):
        return jax.tree.map(np.asarray, model), loss_fn
    from flax import nnx

    graph, state, rest = nnx.split(model, nnx.Param, ...)
    params = jax.tree.map(np.asarray, nnx.to_pure_dict(state))
    return params, ModuleLoss(graph, state, rest, loss_fn)


class ModuleLoss:
    """`loss_fn(module, batch)` as a function of the module's parameters.

    Losses of equal graphs and one `loss_fn` are equal, and share compiled programs.

    Args:
        graph: Graph of the module, as `nnx.split` gives it.
        state: Parameters of the module.
        rest: State of the module besides its parameters.
        loss_fn: `loss_fn(module, batch) -> (batch,)`, nats.
    """

    def __init__(self, graph: Any, state: Any, rest: Any, loss_fn: Callable[..., Any]) -> None:
        self._graph, self._state, self._rest, self._loss_fn = graph, state, rest, loss_fn

    def __call__(self, params: PyTree, batch: PyTree) -> Any:
        """Losses of the examples of a batch."""
        from flax import nnx

        state = jax.tree.unflatten(jax.tree.structure(self._state), jax.tree.leaves(params))
        return self._loss_fn(nnx.merge(self._graph, state, self._rest), batch)

    def __eq__(self, other: object) -> bool:
        """Whether the losses are one function; modules with state besides parameters differ unless they are one."""
        if not isinstance(other, ModuleLoss):
            return NotImplemented
        alike = self._graph == other._graph and self._loss_fn == other._loss_fn
        return alike and (self._rest is other._rest or not jax.tree.leaves(self._rest) + jax.tree.leaves(other._rest))

    def __hash__(self) -> int:
        return hash(self._loss_fn)
