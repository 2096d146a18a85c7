"""Arrays in another shape or order, parts of arrays, and arrays joined; the sizes of axes."""

import math
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax

from llcray.array_types import Array


def _reshape(x: Array, size: Sequence[int]) -> Array:
    return x.reshape(tuple(size))


def _permute(x: Array, axes: Sequence[int]) -> Array:
    return jnp.transpose(x, axes)


def _squeeze(x: Array, axis: int) -> Array:
    return x.squeeze(axis) if x.ndim and x.shape[axis] == 1 else x


def _squeeze_several(x: Array, axes: Sequence[int]) -> Array:
    return x.squeeze(tuple(axis % x.ndim for axis in axes if x.shape[axis] == 1))


def _cat(arrays: Sequence[Array], axis: int = 0) -> Array:
    """Arrays joined; torch passes over arrays of shape (0,), whatever the shape of the others is."""
    return jnp.concatenate([x for x in arrays if x.shape != (0,)] or arrays[:1], axis)


def _expand(x: Array, size: Sequence[int], implicit: bool = False) -> Array:
    del implicit
    own = (1,) * (len(size) - x.ndim) + x.shape
    return jnp.broadcast_to(x, tuple(old if new == -1 else new for old, new in zip(own, size, strict=True)))


def _flip(x: Array, axes: Sequence[int]) -> Array:
    return jnp.flip(x, tuple(axes))


def _select(x: Array, axis: int, index: int) -> Array:
    return lax.index_in_dim(x, index, axis, keepdims=False)


def _slice(x: Array, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Array:
    return x[along(x, axis, slice(start, end, step))]


def _slice_scatter(
    x: Array, source: Array, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    return x.at[along(x, axis, slice(start, end, step))].set(source)


def _select_scatter(x: Array, source: Array, axis: int, index: int) -> Array:
    return x.at[along(x, axis, index)].set(source)


def along(x: Array, axis: int, part: slice | int) -> tuple[slice | int, ...]:
    """The index that takes `part` along one axis and all along those before."""
    return (*(slice(None),) * (axis % x.ndim), part)


def _split(x: Array, sizes: Sequence[int], axis: int = 0) -> list[Array]:
    return jnp.split(x, np.cumsum(sizes)[:-1].tolist(), axis)


def _unbind(x: Array, axis: int = 0) -> list[Array]:
    return [_select(x, axis, index) for index in range(x.shape[axis])]


def _pixel_shuffle(x: Array, factor: int) -> Array:
    *lead, channels, height, width = x.shape
    cut = x.reshape(*lead, channels // factor**2, factor, factor, height, width)
    together = jnp.moveaxis(cut, (-4, -3), (-3, -1))
    return together.reshape(*lead, channels // factor**2, height * factor, width * factor)


def _pad_with(x: Array, pad: Sequence[int], value: float = 0) -> Array:
    low_and_high = [(low, high, 0) for low, high in padding_pairs(x, pad)]
    return lax.pad(x, jnp.asarray(value, x.dtype), low_and_high)


def _padded(mode: str) -> Callable[[Array, Sequence[int]], Array]:
    def padded(x: Array, pad: Sequence[int]) -> Array:
        pairs = padding_pairs(x, pad)
        x = jnp.pad(x, [(max(low, 0), max(high, 0)) for low, high in pairs], mode=mode)
        cuts = [slice(max(-low, 0), size + min(high, 0)) for (low, high), size in zip(pairs, x.shape, strict=True)]
        return x[tuple(cuts)]  # padding below zero cuts off

    return padded


def padding_pairs(x: Array, pad: Sequence[int]) -> list[tuple[int, int]]:
    """Padding before and after each axis, from torch's list, which begins with the last axis."""
    own = [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    return [(0, 0)] * (x.ndim - len(own)) + own


RULES = {
    "aten._unsafe_view.default": _reshape,
    "aten.cat.default": _cat,
    "aten.constant_pad_nd.default": _pad_with,
    "aten.diagonal.default": lambda x, offset=0, first=0, second=1: jnp.diagonal(x, offset, first, second),
    "aten.expand.default": _expand,
    "aten.flip.default": _flip,
    "aten.permute.default": _permute,
    "aten.pixel_shuffle.default": _pixel_shuffle,
    "aten.reflection_pad1d.default": _padded("reflect"),
    "aten.reflection_pad2d.default": _padded("reflect"),
    "aten.reflection_pad3d.default": _padded("reflect"),
    "aten.repeat.default": lambda x, repeats: jnp.tile(x, tuple(repeats)),
    "aten.replication_pad1d.default": _padded("edge"),
    "aten.replication_pad2d.default": _padded("edge"),
    "aten.replication_pad3d.default": _padded("edge"),
    "aten.select.int": _select,
    "aten.select_scatter.default": _select_scatter,
    "aten.slice.Tensor": _slice,
    "aten.slice_scatter.default": _slice_scatter,
    "aten.split_with_sizes.default": _split,
    "aten.squeeze.dim": _squeeze,
    "aten.squeeze.dims": _squeeze_several,
    "aten.sym_numel.default": lambda x: math.prod(x.shape),
    "aten.sym_size.int": lambda x, axis: x.shape[axis],
    "aten.unbind.int": _unbind,
    "aten.unsqueeze.default": jnp.expand_dims,
    "aten.view.default": _reshape,
}
