"""Images in another size."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from llcray.array_types import Array
from llcray.aten.rules.pooling import mixed

Factors = Sequence[float] | None
Filter = Callable[[np.ndarray], np.ndarray]
"""The weight of an element by its distance."""
Sizes = Sequence[int] | None


def _axes(x: Array, sizes: Sizes, factors: Factors, num_axes: int) -> Iterator[tuple[int, int, float]]:
    """Of each axis: its size, its new size, and the distance of new elements in old ones."""
    for axis, size in enumerate(x.shape[-num_axes:]):
        factor = factors[axis] if factors else None
        new = sizes[axis] if sizes else math.floor(size * (factor or 1.0))
        yield size, new, 1 / factor if factor else size / new


def _nearest(num_axes: int) -> Callable[..., Array]:
    def resize(x: Array, sizes: Sizes, factors: Factors = None) -> Array:
        matrices, precision = [], np.float64 if x.dtype == jnp.float64 else np.float32
        for size, new, distance in _axes(x, sizes, factors, num_axes):
            # Torch computes places in the type of the image and rounds them to float32: it decides between neighbours.
            places = np.floor((np.arange(new, dtype=precision) * precision(distance)).astype(np.float32))
            places = np.minimum(places, size - 1).astype(int)
            matrices.append(np.eye(size)[places])
        return mixed(x, matrices)

    return resize


def _linear(num_axes: int) -> Callable[..., Array]:
    def resize(x: Array, sizes: Sizes, align_corners: bool, factors: Factors = None) -> Array:
        axes = _axes(x, sizes, factors, num_axes)
        return mixed(x, [_interpolation(size, new, distance, align_corners) for size, new, distance in axes])

    return resize


def _interpolation(size: int, new: int, distance: float, align_corners: bool) -> np.ndarray:
    """The matrix (new, size) of linear interpolation along one axis."""
    if align_corners:
        places = np.arange(new) * ((size - 1) / (new - 1) if new > 1 else 0)
    else:
        places = np.maximum((np.arange(new) + 0.5) * distance - 0.5, 0)
    low = np.minimum(np.floor(places).astype(int), size - 1)
    share = np.minimum(places - low, 1)[:, None]
    elements = np.eye(size)
    return (1 - share) * elements[low] + share * elements[np.minimum(low + 1, size - 1)]


def _cubic(x: Array, sizes: Sizes, align_corners: bool, factors: Factors = None) -> Array:
    matrices = []
    for size, new, distance in _axes(x, sizes, factors, 2):
        if align_corners:
            places = np.arange(new) * ((size - 1) / (new - 1) if new > 1 else 0)
        else:
            places = (np.arange(new) + 0.5) * distance - 0.5
        low = np.floor(places)
        taps = [
            cubic(places - low - step, -0.75)[:, None] * np.eye(size)[np.clip(low + step, 0, size - 1).astype(int)]
            for step in range(-1, 3)
        ]
        matrices.append(np.asarray(sum(taps)))
    return mixed(x, matrices)


def cubic(distance: Any, steepness: float) -> Any:
    """The weight of an element at a distance of at most two by cubic convolution.

    Reference:
        Keys (1981), equation 15, with `steepness` for a: torch has -0.75, and -0.5 where it smooths.
    """
    near, a = abs(distance), steepness
    inner = ((a + 2) * near - (a + 3)) * near**2 + 1
    outer = ((near - 5) * near + 8) * near * a - 4 * a
    numbers = np if isinstance(distance, np.ndarray) else jnp
    return numbers.where(near <= 1, inner, numbers.where(near < 2, outer, 0))


def _smoothed(weight: Filter, reach: float) -> Callable[..., Array]:
    """Resizing by a filter that is as much wider as the new image is smaller, so that nothing is left out."""

    def resize(x: Array, sizes: Sizes, align_corners: bool, factors: Factors = None) -> Array:
        matrices = []
        for size, new, distance in _axes(x, sizes, factors, 2):
            if align_corners:
                distance = (size - 1) / (new - 1) if new > 1 else 0.0
            width = max(distance, 1.0)
            centers = distance * (np.arange(new) + 0.5)
            first = np.maximum((centers - reach * width + 0.5).astype(int), 0)[:, None]
            end = np.minimum((centers + reach * width + 0.5).astype(int), size)[:, None]
            elements = np.arange(size)
            weights = weight((elements - centers[:, None] + 0.5) / width)
            weights = np.where((elements >= first) & (elements < end), weights, 0)
            matrices.append(weights / weights.sum(1, keepdims=True))
        return mixed(x, matrices)

    return resize


RULES = {
    "aten._upsample_bicubic2d_aa.vec": _smoothed(lambda distance: cubic(distance, -0.5), 2.0),
    "aten._upsample_bilinear2d_aa.vec": _smoothed(lambda distance: np.maximum(1 - abs(distance), 0), 1.0),
    "aten.upsample_bicubic2d.vec": _cubic,
    "aten.upsample_bilinear2d.vec": _linear(2),
    "aten.upsample_linear1d.vec": _linear(1),
    "aten.upsample_nearest1d.vec": _nearest(1),
    "aten.upsample_nearest2d.vec": _nearest(2),
    "aten.upsample_nearest3d.vec": _nearest(3),
    "aten.upsample_trilinear3d.vec": _linear(3),
}
