"""Elements taken from an array, or written into one, at places that other arrays name."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from llcray.array_types import Array

Indices = Sequence[Array | None]


def _places(indices: Indices) -> tuple[Any, ...]:
    return tuple(slice(None) if index is None else index for index in indices)


def _index(x: Array, indices: Indices) -> Array:
    return x[_places(indices)]


def _index_put(x: Array, indices: Indices, values: Array, accumulate: bool = False) -> Array:
    masks = [index for index in indices if index is not None and index.dtype == bool]
    if masks:
        return _masked_put(x, indices, values, accumulate)
    places = x.at[_places(indices)]
    return _added(x, places, values) if accumulate else places.set(values)


def _added(x: Array, places: Any, values: Any) -> Array:
    """The array with values added at places; the sum of truths is whether one of them is true."""
    return places.max(values) if x.dtype == bool else places.add(values)


def _masked_put(x: Array, indices: Indices, values: Array, accumulate: bool) -> Array:
    """One value written where a mask is true. How many values a mask takes is not known when a loss is compiled."""
    before = [index for index in indices[:-1] if index is not None]
    mask = indices[-1]
    if before or mask is None or values.size != 1:
        raise ValueError("a mask can have one value written where it is true; write torch.where for several")
    axis = len(indices) - 1
    mask = mask.reshape((1,) * axis + mask.shape + (1,) * (x.ndim - axis - mask.ndim))
    value = values.reshape(()).astype(x.dtype)
    return jnp.where(mask, x + value if accumulate else value, x)


def _index_select(x: Array, axis: int, index: Array) -> Array:
    return jnp.take(x, index, axis) if x.ndim else x


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
    return _added(x, x.at[_grid(x, axis, index)], _part_like(source, index))


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
    reduce = "amax" if reduce == "sum" and x.dtype == bool else reduce
    write = {"sum": "add", "amax": "max", "amin": "min"}[reduce]
    if not include_self:
        neutral = {"sum": 0, "amax": _limits(x)[0], "amin": _limits(x)[1]}[reduce]
        places = places.set(neutral).at[_grid(x, axis, index)]
    return getattr(places, write)(values)


def _scatter_with(x: Array, axis: int, index: Array, source: Any, *, reduce: str) -> Array:
    if reduce != "add":
        raise ValueError(f"scatter with reduce={reduce!r} has no derivative in JAX; use scatter_reduce with 'sum'")
    return _scatter_add(x, axis, index, source)


def _masked_scatter(x: Array, mask: Array, source: Array) -> Array:
    """The elements of `source`, in their order, where the mask is true."""
    x, mask = jnp.broadcast_arrays(x, mask)
    place = (jnp.cumsum(mask.reshape(-1)) - 1).reshape(mask.shape)
    return jnp.where(mask, source.reshape(-1)[jnp.clip(place, 0, source.size - 1)], x)


def _put(x: Array, index: Array, source: Array, accumulate: bool = False) -> Array:
    return _index_put(x.reshape(-1), [index], source.reshape(index.shape), accumulate).reshape(x.shape)


def _diagonal_scatter(x: Array, source: Array, offset: int = 0, first: int = 0, second: int = 1) -> Array:
    moved = jnp.moveaxis(x, (first, second), (-2, -1))
    rows = np.arange(source.shape[-1]) + max(-offset, 0)
    return jnp.moveaxis(moved.at[..., rows, rows + offset].set(source), (-2, -1), (first, second))


def _place_in_order(
    ordered: Array, x: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None, sorter: Any = None
) -> Array:
    """The number of ordered values that are smaller, or, from the right, not larger; what is no number comes last."""
    del out_int32
    if sorter is not None:
        ordered = jnp.take_along_axis(ordered, sorter, -1)
    x = jnp.asarray(x)
    values = ordered if ordered.ndim == 1 else ordered[..., None, :]
    is_beyond = jnp.greater if right or side == "right" else jnp.greater_equal
    return jnp.sum(~is_beyond(values, x[..., None]), -1)


def _bucket(x: Any, ordered: Array, *, out_int32: bool = False, right: bool = False) -> Array:
    return _place_in_order(ordered, x, out_int32=out_int32, right=right)


def _bags(
    weight: Array,
    index: Array,
    offsets: Array,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Array | None = None,
    include_last_offset: bool = False,
    padding_idx: int = -1,
) -> tuple[Array, None, None, None]:
    """Sums (mode 0), means (1) or maxima (2) of the rows of bags, which begin at offsets; padding is left out."""
    del scale_grad_by_freq, sparse
    num_bags = offsets.shape[0] - include_last_offset
    bag = _place_in_order(offsets[:num_bags], jnp.arange(index.shape[0]), right=True) - 1
    counts = jnp.ones(index.shape, weight.dtype) if padding_idx < 0 else (index != padding_idx).astype(weight.dtype)
    rows = weight[index]
    count = jnp.zeros(num_bags, weight.dtype).at[bag].add(counts)[:, None]
    nothing = jnp.zeros((num_bags, weight.shape[1]), weight.dtype)
    if mode == 2:
        rows = jnp.where(counts[:, None] > 0, rows, -jnp.inf)
        return jnp.where(count > 0, (nothing - jnp.inf).at[bag].max(rows), 0), None, None, None
    if per_sample_weights is not None:
        rows = rows * per_sample_weights[:, None]
    total = nothing.at[bag].add(rows * counts[:, None])
    return total / jnp.maximum(count, 1) if mode == 1 else total, None, None, None


def _limits(x: Array) -> tuple[Any, Any]:
    """The least and the largest value of an array's type."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        return -jnp.inf, jnp.inf
    if x.dtype == bool:
        return False, True
    info = jnp.iinfo(x.dtype)
    return info.min, info.max


def _along_axis(write: str) -> Callable[..., Array]:
    """Writes slices along an axis at the places that a vector names: `add` or `set`."""

    def put(x: Array, axis: int, index: Array, source: Array, *, alpha: float = 1) -> Array:
        if not x.ndim:
            return put(x[None], 0, index, source.reshape(-1), alpha=alpha)[0]
        places = x.at[(*(slice(None),) * (axis % x.ndim), index.reshape(-1))]
        return getattr(places, write)(source if alpha == 1 else alpha * source)

    return put


RULES = {
    "aten._embedding_bag.default": _bags,
    "aten._embedding_bag_forward_only.default": _bags,
    "aten.bucketize.Scalar": _bucket,
    "aten.bucketize.Tensor": _bucket,
    "aten.diagonal_scatter.default": _diagonal_scatter,
    "aten.embedding.default": _embedding,
    "aten.gather.default": _gather,
    "aten.index.Tensor": _index,
    "aten.index_add.default": _along_axis("add"),
    "aten.index_copy.default": _along_axis("set"),
    "aten.index_put.default": _index_put,
    "aten.index_select.default": _index_select,
    "aten.masked_scatter.default": _masked_scatter,
    "aten.put.default": _put,
    "aten.scatter.reduce": _scatter_with,
    "aten.scatter.src": _scatter,
    "aten.scatter.value": _scatter,
    "aten.scatter.value_reduce": _scatter_with,
    "aten.scatter_add.default": _scatter_add,
    "aten.scatter_reduce.two": _scatter_reduce,
    "aten.searchsorted.Scalar": _place_in_order,
    "aten.searchsorted.Tensor": _place_in_order,
}
