"""Sums, means, extremes and norms over axes; sums along an axis; order."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from llcray.array_types import Array
from llcray.aten.rules.pointwise import absolute

Axes = int | Sequence[int] | None


def _axes(x: Array, axis: Axes) -> tuple[int, ...] | None:
    """Axes as JAX takes them; None and an empty list mean every axis."""
    if isinstance(axis, Sequence):
        return tuple(one % x.ndim for one in axis) if axis and x.ndim else None
    return None if axis is None or not x.ndim else (axis % x.ndim,)


def _reduction(function: Callable[..., Array]) -> Callable[..., Array]:
    def reduce(x: Array, axis: Axes = None, keepdim: bool = False, dtype: Any = None) -> Array:
        return function(x if dtype is None else x.astype(dtype), _axes(x, axis), keepdims=keepdim)

    return reduce


def _truth(function: Callable[..., Array]) -> Callable[..., Array]:
    """Of all elements over several axes, where an empty list means no axis, unlike that of a sum."""

    def reduce(x: Array, axis: Axes = None, keepdim: bool = False) -> Array:
        return function(x, () if isinstance(axis, Sequence) and not axis else _axes(x, axis), keepdims=keepdim)

    return reduce


def _place(function: Callable[..., Array]) -> Callable[..., Array]:
    def place(x: Array, axis: int | None = None, keepdim: bool = False) -> Array:
        return function(x, axis if x.ndim else None, keepdims=keepdim)

    return place


def _whole(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda x, dtype=None: function(x if dtype is None else x.astype(dtype))


def _extreme(find: Callable[..., Array]) -> Callable[..., tuple[Array, Array]]:
    """The extreme along one axis and its index; of equal values, the one at that index has the whole gradient."""

    def extreme(x: Array, axis: int, keepdim: bool = False) -> tuple[Array, Array]:
        if not x.ndim:
            return x, jnp.zeros((), jnp.int32)
        index = find(x, axis, keepdims=True)
        value = jnp.take_along_axis(x, index, axis)
        return (value, index) if keepdim else (value.squeeze(axis), index.squeeze(axis))

    return extreme


def _variance(x: Array, axis: Axes = None, correction: float | None = 1, keepdim: bool = False) -> Array:
    axes = _axes(x, axis)
    count = x.size if axes is None else math.prod(x.shape[one] for one in axes)
    free = jnp.asarray(max(count - (1 if correction is None else correction), 0), x.dtype)
    deviation = x - jnp.mean(x, axes, keepdims=True)
    return jnp.sum(jnp.square(deviation), axes, keepdims=keepdim) / free


def _vector_norm(x: Array, order: float = 2, axis: Axes = None, keepdim: bool = False, dtype: Any = None) -> Array:
    """The norm of vectors; that of a zero vector has the gradient zero, as torch has it."""
    x = x if dtype is None else x.astype(dtype)
    axes = _axes(x, axis)
    if order != 2:
        size = absolute(x)
        if order == float("inf"):
            return jnp.max(size, axes, keepdims=keepdim)
        if order == float("-inf"):
            return jnp.min(size, axes, keepdims=keepdim)
        if order == 0:
            return jnp.sum(x != 0, axes, keepdims=keepdim).astype(size.dtype)
        if order == 1:
            return jnp.sum(size, axes, keepdims=keepdim)
    power = jnp.sum(x * x if order == 2 else absolute(x) ** order, axes, keepdims=keepdim)
    is_positive = power > 0
    root = jnp.where(is_positive, power, 1)
    return jnp.where(is_positive, jnp.sqrt(root) if order == 2 else root ** (1 / order), 0)


def _running(function: Callable[..., Array]) -> Callable[..., Array]:
    """The total of all before along an axis; that of a single number is itself."""

    def total(x: Array, axis: int, dtype: Any = None) -> Array:
        return function(x, axis, dtype) if x.ndim else x

    return total


def _running_extreme(find: Callable[..., Array]) -> Callable[..., tuple[Array, Array]]:
    """The extreme of all before, and its index; of equal values, the last. What is no number is beyond all numbers."""

    def extreme(x: Array, axis: int) -> tuple[Array, Array]:
        if not x.ndim:
            return x, jnp.zeros((), jnp.int32)
        axis %= x.ndim
        own = lax.broadcasted_iota(jnp.int32, x.shape, axis)
        numbers = x.astype(jnp.int8) if x.dtype == bool else x
        index = lax.cummax(jnp.where((numbers == find(numbers, axis)) | (x != x), own, 0), axis)
        return jnp.take_along_axis(x, index, axis), index

    return extreme


def _kth(x: Array, k: int | Array, axis: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    """The k-th smallest along an axis, counted from one, and its index."""
    if not x.ndim:
        return x, jnp.zeros((), jnp.int32)
    place = jnp.expand_dims(jnp.asarray(k - 1), axis) if jnp.ndim(k) else jnp.full((1,) * x.ndim, k - 1)
    index = jnp.take_along_axis(jnp.argsort(x, axis, stable=True), place, axis)
    value = jnp.take_along_axis(x, index, axis)
    return (value, index) if keepdim else (value.squeeze(axis), index.squeeze(axis))


def _median(x: Array, axis: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The lower of the two medians of an even number, as torch has it."""
    if not x.ndim:
        return _kth(x, 1)
    size, missing = x.shape[axis], jnp.sum(x != x, axis)
    # Sorted, what is no number comes last; where there is such, the median is none either.
    return _kth(x, jnp.where(missing > 0, size - missing + 1, (size + 1) // 2), axis, keepdim)


def _median_of_numbers(x: Array, axis: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The median of what is a number."""
    count = jnp.sum(x == x, axis if x.ndim else None)
    return _kth(x, jnp.maximum((count + 1) // 2, 1), axis, keepdim)


def _of_all(function: Callable[..., tuple[Array, Array]]) -> Callable[[Array], Array]:
    return lambda x: function(x.reshape(-1), 0)[0]


def _variance_and_mean(
    x: Array, axis: Axes = None, correction: float | None = 1, keepdim: bool = False
) -> tuple[Array, Array]:
    return _variance(x, axis, correction, keepdim), jnp.mean(x, _axes(x, axis), keepdims=keepdim)


def _histogram(x: Array, bins: int = 100, low: float = 0, high: float = 0) -> Array:
    """Counts of elements; the last bin holds its upper end, and what lies beyond all bins is not counted."""
    first, last = (low, high) if low != high else (jnp.min(x), jnp.max(x))
    first, last = jnp.where(first == last, first - 1, first), jnp.where(first == last, last + 1, last)
    x = x.reshape(-1)
    place = jnp.clip(jnp.floor((x - first) * (bins / (last - first))), 0, bins - 1).astype(jnp.int32)
    return jnp.zeros(bins, x.dtype).at[place].add(((x >= first) & (x <= last)).astype(x.dtype))


def _logsumexp(x: Array, axis: Axes, keepdim: bool = False) -> Array:
    return jax.nn.logsumexp(x, _axes(x, axis), keepdims=keepdim)


def _softmax(x: Array, axis: int, half_to_float: bool) -> Array:
    return jax.nn.softmax(x.astype(jnp.float32) if half_to_float else x, axis if x.ndim else None)


def _log_softmax(x: Array, axis: int, half_to_float: bool) -> Array:
    return jax.nn.log_softmax(x.astype(jnp.float32) if half_to_float else x, axis if x.ndim else None)


def _sort(x: Array, axis: int = -1, descending: bool = False) -> tuple[Array, Array]:
    if not x.ndim:
        return x, jnp.zeros((), jnp.int32)
    order = jnp.argsort(x, axis, stable=True, descending=descending)
    return jnp.take_along_axis(x, order, axis), order


def _stable_sort(x: Array, *, stable: bool = True, dim: int = -1, descending: bool = False) -> tuple[Array, Array]:
    del stable
    return _sort(x, dim, descending)


def _top_k(x: Array, k: int, axis: int = -1, largest: bool = True, in_order: bool = True) -> tuple[Array, Array]:
    del in_order
    if not x.ndim:
        return x, jnp.zeros((), jnp.int32)
    moved = jnp.moveaxis(x, axis, -1)
    values, indices = lax.top_k(moved if largest else -moved, k)
    return jnp.moveaxis(values if largest else -values, -1, axis), jnp.moveaxis(indices, -1, axis)


RULES = {
    "aten._log_softmax.default": _log_softmax,
    "aten._softmax.default": _softmax,
    "aten.all.default": jnp.all,
    "aten.all.dim": _reduction(jnp.all),
    "aten.all.dims": _truth(jnp.all),
    "aten.amax.default": _reduction(jnp.max),
    "aten.amin.default": _reduction(jnp.min),
    "aten.any.default": jnp.any,
    "aten.any.dim": _reduction(jnp.any),
    "aten.any.dims": _truth(jnp.any),
    "aten.argmax.default": _place(jnp.argmax),
    "aten.argmin.default": _place(jnp.argmin),
    "aten.cummax.default": _running_extreme(lax.cummax),
    "aten.cummin.default": _running_extreme(lax.cummin),
    "aten.cumprod.default": _running(jnp.cumprod),
    "aten.cumsum.default": _running(jnp.cumsum),
    "aten.histc.default": _histogram,
    "aten.kthvalue.default": _kth,
    "aten.linalg_vector_norm.default": _vector_norm,
    "aten.logcumsumexp.default": _running(lambda x, axis, dtype: lax.cumlogsumexp(x, axis % x.ndim)),
    "aten.logsumexp.default": _logsumexp,
    "aten.max.default": jnp.max,
    "aten.max.dim": _extreme(jnp.argmax),
    "aten.mean.default": _whole(jnp.mean),
    "aten.mean.dim": _reduction(jnp.mean),
    "aten.median.default": _of_all(_median),
    "aten.median.dim": _median,
    "aten.min.default": jnp.min,
    "aten.min.dim": _extreme(jnp.argmin),
    "aten.nanmedian.default": _of_all(_median_of_numbers),
    "aten.nanmedian.dim": _median_of_numbers,
    "aten.prod.default": _whole(jnp.prod),
    "aten.prod.dim_int": _reduction(jnp.prod),
    "aten.sort.default": _sort,
    "aten.sort.stable": _stable_sort,
    "aten.sum.default": _whole(jnp.sum),
    "aten.sum.dim_IntList": _reduction(jnp.sum),
    "aten.topk.default": _top_k,
    "aten.var.correction": _variance,
    "aten.var_mean.correction": _variance_and_mean,
}
