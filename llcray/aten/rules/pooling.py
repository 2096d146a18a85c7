"""Extremes and means over windows."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from llcray.array_types import Array
from llcray.aten.rules.convolution import each_axis

Numbers = Sequence[int]


class Windows(NamedTuple):
    """Windows over the last axes of an array.

    Attributes:
        kernel: Length of a window along each axis.
        stride: Distance between windows along each axis.
        padding: Padding before and after each axis; torch's, and what its last window reaches beyond.
        dilation: Distance between the elements of a window along each axis.
    """

    kernel: list[int]
    stride: list[int]
    padding: list[tuple[int, int]]
    dilation: list[int]

    def reduce(self, x: Array, start: Any, function: Any) -> Array:
        """The elements of each window, combined."""
        ones = [1] * (x.ndim - len(self.kernel))
        return lax.reduce_window(
            x,
            np.asarray(start, x.dtype),
            function,
            window_dimensions=ones + self.kernel,
            window_strides=ones + self.stride,
            padding=[(0, 0)] * len(ones) + self.padding,
            window_dilation=ones + self.dilation,
        )

    def stacked(self, x: Array, start: Any) -> Array:
        """The elements of each window, along a new first axis; JAX has no gradient of a dilated `reduce`."""
        before = [(0, 0)] * (x.ndim - len(self.kernel))
        padded = jnp.pad(x, before + self.padding, constant_values=start)
        sizes = padded.shape[len(before) :]
        numbers = zip(sizes, self.kernel, self.stride, self.dilation, strict=True)
        reaches = [((size - gap * (width - 1) - 1) // step) * step + 1 for size, width, step, gap in numbers]
        parts = []
        for place in itertools.product(*map(range, self.kernel)):
            firsts = [at * gap for at, gap in zip(place, self.dilation, strict=True)]
            cuts = [
                slice(first, first + reach, step)
                for first, reach, step in zip(firsts, reaches, self.stride, strict=True)
            ]
            parts.append(padded[(..., *cuts)])
        return jnp.stack(parts)


def _windows(
    x: Array, num_axes: int, kernel: Numbers, stride: Numbers, padding: Numbers, dilation: Numbers, ceil_mode: bool
) -> Windows:
    kernels, strides, pads, gaps = (
        each_axis(numbers, num_axes) for numbers in (kernel, stride or kernel, padding, dilation)
    )
    both = []
    for size, width, step, pad, gap in zip(x.shape[-num_axes:], kernels, strides, pads, gaps, strict=True):
        reach = gap * (width - 1) + 1
        free = size + 2 * pad - reach
        last = -(-free // step) if ceil_mode else free // step
        if ceil_mode and last * step >= size + pad:
            last -= 1  # a window that begins in the padding behind is left out
        both.append((pad, max(last * step + reach - size - pad, 0 if ceil_mode else pad)))
    return Windows(kernels, strides, both, gaps)


def _max_pool(num_axes: int) -> Callable[..., tuple[Array, None]]:
    """The largest of each window; torch's second result, its index, has no rule."""

    def pool(
        x: Array,
        kernel: Numbers,
        stride: Numbers = (),
        padding: Numbers = (0,),
        dilation: Numbers = (1,),
        ceil_mode: bool = False,
    ) -> tuple[Array, None]:
        windows = _windows(x, num_axes, kernel, stride, padding, dilation, ceil_mode)
        least = -jnp.inf if jnp.issubdtype(x.dtype, jnp.floating) else jnp.iinfo(x.dtype).min
        if any(gap > 1 for gap in windows.dilation):
            return _first_largest(windows.stacked(x, least), 0), None
        return windows.reduce(x, least, lax.max), None

    return pool


def _average_pool(num_axes: int) -> Callable[..., Array]:
    def pool(
        x: Array,
        kernel: Numbers,
        stride: Numbers = (),
        padding: Numbers = (0,),
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Array:
        windows = _windows(x, num_axes, kernel, stride, padding, (1,), ceil_mode)
        total = windows.reduce(x, 0, lax.add)
        if divisor_override:
            return total / divisor_override
        if count_include_pad and not ceil_mode:
            return total / math.prod(windows.kernel)
        counted = jnp.ones(x.shape[-num_axes:], x.dtype)
        if count_include_pad:
            # Torch's own padding counts, what a last window reaches beyond it does not.
            own = each_axis(padding, num_axes)
            counted = jnp.pad(counted, [(pad, pad) for pad in own], constant_values=1)
            beyond = [(low - pad, high - pad) for (low, high), pad in zip(windows.padding, own, strict=True)]
            windows = windows._replace(padding=beyond)
        return total / windows.reduce(counted, 0, lax.add)

    return pool


def _adaptive_average_pool(num_axes: int) -> Callable[..., Array]:
    def pool(x: Array, output_size: Numbers) -> Array:
        sizes = zip(x.shape[-num_axes:], output_size, strict=True)
        return mixed(x, [_means(size, out) for size, out in sizes])

    return pool


def _means(size: int, out: int) -> np.ndarray:
    """The matrix (out, size) of means over the parts that torch cuts an axis into."""
    matrix = np.zeros((out, size))
    for row in range(out):
        first, end = row * size // out, -(-(row + 1) * size // out)
        matrix[row, first:end] = 1 / (end - first)
    return matrix


def _adaptive_max_pool(num_axes: int) -> Callable[..., tuple[Array, None]]:
    """The largest of each part; torch's second result, its index, has no rule."""

    def pool(x: Array, output_size: Numbers) -> tuple[Array, None]:
        first = x.ndim - num_axes
        windows = x
        for number, out in enumerate(output_size):
            axis = first + 2 * number
            windows = jnp.take(windows, _parts(windows.shape[axis], out), axis)
        within = range(first + 1, windows.ndim, 2)
        windows = jnp.moveaxis(windows, list(within), list(range(-num_axes, 0)))
        flat = windows.reshape(*windows.shape[:-num_axes], -1)
        return _first_largest(flat, -1), None

    return pool


def _first_largest(x: Array, axis: int) -> Array:
    """The largest along an axis; of equal ones the first has the gradient, as torch has it."""
    return jnp.take_along_axis(x, jnp.argmax(x, axis, keepdims=True), axis).squeeze(axis)


def _parts(size: int, out: int) -> np.ndarray:
    """The elements (out, longest) of the parts that torch cuts an axis into; shorter ones have their last again."""
    row = np.arange(out)
    first, end = row * size // out, -(-(row + 1) * size // out)
    return np.minimum(first[:, None] + np.arange((end - first).max()), end[:, None] - 1)


def mixed(x: Array, matrices: Sequence[np.ndarray]) -> Array:
    """The array with each of its last axes multiplied by a matrix (out, in)."""
    for axis, matrix in zip(range(-len(matrices), 0), matrices, strict=True):
        x = jnp.moveaxis(jnp.tensordot(x, jnp.asarray(matrix, x.dtype), (axis, 1)), -1, axis)
    return x


RULES = {
    "aten._adaptive_avg_pool2d.default": _adaptive_average_pool(2),
    "aten._adaptive_avg_pool3d.default": _adaptive_average_pool(3),
    "aten.adaptive_avg_pool1d.default": _adaptive_average_pool(1),
    "aten.adaptive_max_pool2d.default": _adaptive_max_pool(2),
    "aten.adaptive_max_pool3d.default": _adaptive_max_pool(3),
    "aten.avg_pool1d.default": _average_pool(1),
    "aten.avg_pool2d.default": _average_pool(2),
    "aten.avg_pool3d.default": _average_pool(3),
    "aten.max_pool2d_with_indices.default": _max_pool(2),
    "aten.max_pool3d_with_indices.default": _max_pool(3),
}
