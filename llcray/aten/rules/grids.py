"""Images taken at any places, windows cut out of arrays, and windows put together."""

import itertools
from collections.abc import Iterator, Sequence
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np

from llcray.array_types import Array
from llcray.aten.rules.resizing import cubic

LINEAR, NEAREST, CUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2
"""Torch's numbers of ways to interpolate, and of what lies beyond an image."""
STEEPNESS = -0.75
"""Of torch's cubic interpolation."""

Tap = tuple[Array, Array]
"""Indices along an axis, and the weights of the elements there."""


def _sampled(x: Array, grid: Array, interpolation: int, padding: int, align_corners: bool) -> Array:
    """Images (n, channel, ...) at places (n, ..., axis); -1 and 1 are the ends of an axis, the last axis first."""
    axes = [
        list(_taps(grid[..., -1 - axis], size, interpolation, padding, align_corners))
        for axis, size in enumerate(x.shape[2:])
    ]
    take = jax.vmap(lambda image, indices: image[(slice(None), *indices)])
    total = jnp.zeros((), x.dtype)
    for taps in itertools.product(*axes):
        indices, weights = zip(*taps, strict=True)
        total += take(x, indices) * reduce(jnp.multiply, weights)[:, None]
    return total


def _taps(grid: Array, size: int, interpolation: int, padding: int, align_corners: bool) -> Iterator[Tap]:
    place = (grid + 1) / 2 * (size - 1) if align_corners else ((grid + 1) * size - 1) / 2
    if interpolation == CUBIC:
        low = jnp.floor(place)
        for step in range(-1, 3):
            yield _tap(_inside(low + step, size, padding, align_corners), cubic(place - low - step, STEEPNESS), size)
        return
    place = _inside(place, size, padding, align_corners)
    if interpolation == NEAREST:
        yield _tap(jnp.round(place), jnp.ones_like(place), size)
        return
    low = jnp.floor(place)
    yield _tap(low, 1 - (place - low), size)
    yield _tap(low + 1, place - low, size)


def _tap(index: Array, weight: Array, size: int) -> Tap:
    """An element and its weight, which is zero beyond the image."""
    is_inside = (index >= 0) & (index <= size - 1)
    return jnp.clip(index, 0, size - 1).astype(jnp.int32), jnp.where(is_inside, weight, 0)


def _inside(place: Array, size: int, padding: int, align_corners: bool) -> Array:
    """Places moved into the image; at its border the derivative is zero, as torch has it."""
    if padding == ZEROS:
        return place
    if padding == REFLECTION:
        first, span = (0.0, size - 1) if align_corners else (-0.5, size)
        if span == 0:
            return jnp.zeros_like(place)
        beyond = jnp.abs(place - first)
        turns = jnp.floor(beyond / span)
        rest = beyond - turns * span
        place = jnp.where(turns % 2 == 0, rest, span - rest) + first
    return jnp.where(place <= 0, 0, jnp.where(place >= size - 1, size - 1, place))


def _windows(x: Array, axis: int, size: int, step: int) -> Array:
    """Windows along an axis, each along a new last axis."""
    if not x.ndim:
        return x.reshape(size)
    firsts = np.arange(0, x.shape[axis] - size + 1, step)
    taken = jnp.take(x, firsts[:, None] + np.arange(size), axis)
    return jnp.moveaxis(taken, axis % x.ndim + 1, -1)


def _folded(
    x: Array,
    output_size: Sequence[int],
    kernel_size: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Array:
    """The sum of windows (..., channel * place in a window, window) at their places in images (..., channel, h, w)."""
    padded = [size + 2 * pad for size, pad in zip(output_size, padding, strict=True)]
    numbers = zip(padded, kernel_size, dilation, stride, strict=True)
    counts = [(size - gap * (width - 1) - 1) // step + 1 for size, width, gap, step in numbers]
    parts = x.reshape(*x.shape[:-2], -1, *kernel_size, *counts)
    total = jnp.zeros((*parts.shape[:-4], *padded), x.dtype)
    for place in itertools.product(*map(range, kernel_size)):
        cuts = [
            slice(at * gap, at * gap + count * step, step)
            for at, gap, count, step in zip(place, dilation, counts, stride, strict=True)
        ]
        total = total.at[(..., *cuts)].add(parts[(..., *place, slice(None), slice(None))])
    return total[(..., *(slice(pad, pad + size) for size, pad in zip(output_size, padding, strict=True)))]


def _strided(x: Array, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Array:
    """Elements at distances in memory, of an array whose elements lie in order; others are refused when traced."""
    places = np.full(tuple(size), storage_offset or 0)
    for axis, (length, distance) in enumerate(zip(size, stride, strict=True)):
        places = places + (np.arange(length) * distance).reshape(-1, *(1,) * (len(size) - axis - 1))
    return x.reshape(-1)[places]


RULES = {
    "aten.as_strided.default": _strided,
    "aten.col2im.default": _folded,
    "aten.grid_sampler_2d.default": _sampled,
    "aten.grid_sampler_3d.default": _sampled,
    "aten.unfold.default": _windows,
}
