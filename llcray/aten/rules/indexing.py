"""Elements taken from an array, or written into one, at places that other arrays name."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from llcray.array_types import Array

Indices = Sequence[Array | None]


def _places(indices: Indices) -> tuple[Any, ...]:
    return tuple(slice(None) if index is None else index for index in indices)


def _index(x: Array, indices: Indices) -> Array:
    return x[_places(indices)]


def _index_put(x: Array, indices: Indices, values: Array, accumulate: bool = False) -> Array:
    places = x.at[_places(indices)]
    return places.add(values) if accumulate else places.set(values)


def _index_select(x: Array, axis: int, index: Array) -> Array:
    return jnp.take(x, index, axis)


def _embedding(weight: Array, index: Array, padding_idx: int = -1, *_: Any) -> Array:
    """Rows of a table. The gradient is that of the loss, of a padding row too, to which torch gives none."""
    del padding_idx
    return weight[index]


def _gather(x: Array, axis: int, index: Array, *, sparse_grad: bool = False) -> Array:
    del sparse_grad
    if not x.ndim:
        return jnp.broadcast_to(x, index.shape)
    return x[_grid(x, axis, index)]


def _grid(x: Array, axis: int, index: Array) -> tuple[Array, ...]:
    """Indices of all axes, where `index` gives those of one axis and an element's own place the others."""
    places: list[Array] = [lax.broadcasted_iota(index.dtype, index.shape, own) for own in range(index.ndim)]
    places[axis % x.ndim] = index
    return tuple(places)


def _part_like(source: Any, index: Array) -> Any:
    """The part of `source` that has an index; a number, or an array of none but itself, is written everywhere."""
    return source[tuple(slice(length) for length in index.shape)] if jnp.ndim(source) else source


def _scatter(x: Array, axis: int, index: Array, source: Any) -> Array:
    return x.at[_grid(x, axis, index)].set(_part_like(source, index))


def _scatter_add(x: Array, axis: int, index: Array, source: Array) -> Array:
    return x.at[_grid(x, axis, index)].add(_part_like(source, index))


def _scatter_reduce(
    x: Array, axis: int, index: Array, source: Array, reduce: str, *, include_self: bool = True
) -> Array:
    places = x.at[_grid(x, axis, index)]
    values = _part_like(source, index)
    if reduce == "mean":
        count = jnp.full(x.shape, int(include_self), x.dtype).at[_grid(x, axis, index)].add(1)
        start = x if include_self else places.set(0)
        total = start.at[_grid(x, axis, index)].add(values)
        mean = total / jnp.maximum(count, 1)
        return mean if include_self else jnp.where(count > 0, mean, x)
    if reduce not in ("sum", "amax", "amin"):
        raise ValueError(f"scatter_reduce with {reduce!r} has no derivative in JAX; use sum, mean, amax or amin")
    write = {"sum": "add", "amax": "max", "amin": "min"}[reduce]
    if not include_self:
        neutral = {"sum": 0, "amax": _limits(x)[0], "amin": _limits(x)[1]}[reduce]
        places = places.set(neutral).at[_grid(x, axis, index)]
    return getattr(places, write)(values)


def _limits(x: Array) -> tuple[Any, Any]:
    """The least and the largest value of an array's type."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        return -jnp.inf, jnp.inf
    info = jnp.iinfo(x.dtype)
    return info.min, info.max


def _along_axis(write: str) -> Callable[..., Array]:
    """Writes slices along an axis at the places that a vector names: `add` or `set`."""

    def put(x: Array, axis: int, index: Array, source: Array, *, alpha: float = 1) -> Array:
        places = x.at[(*(slice(None),) * (axis % x.ndim), index)]
        return getattr(places, write)(source if alpha == 1 else alpha * source)

    return put


RULES = {
    "aten.embedding.default": _embedding,
    "aten.gather.default": _gather,
    "aten.index.Tensor": _index,
    "aten.index_add.default": _along_axis("add"),
    "aten.index_copy.default": _along_axis("set"),
    "aten.index_put.default": _index_put,
    "aten.index_select.default": _index_select,
    "aten.scatter.src": _scatter,
    "aten.scatter.value": _scatter,
    "aten.scatter_add.default": _scatter_add,
    "aten.scatter_reduce.two": _scatter_reduce,
}
