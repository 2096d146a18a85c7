"""Images in another size."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from llcray.array_types import Array
from llcray.aten.rules.pooling import mixed

Factors = Sequence[float] | None
Sizes = Sequence[int] | None


def _axes(x: Array, sizes: Sizes, factors: Factors, num_axes: int) -> Iterator[tuple[int, int, float]]:
    """Of each axis: its size, its new size, and the distance of new elements in old ones."""
    for axis, size in enumerate(x.shape[-num_axes:]):
        factor = factors[axis] if factors else None
        new = sizes[axis] if sizes else math.floor(size * (factor or 1.0))
        yield size, new, 1 / factor if factor else size / new


def _nearest(num_axes: int) -> Callable[..., Array]:
    def resize(x: Array, sizes: Sizes, factors: Factors = None) -> Array:
        matrices = []
        for size, new, distance in _axes(x, sizes, factors, num_axes):
            places = np.minimum(np.floor(np.arange(new) * distance), size - 1).astype(int)
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


RULES = {
    "aten.upsample_bilinear2d.vec": _linear(2),
    "aten.upsample_linear1d.vec": _linear(1),
    "aten.upsample_nearest1d.vec": _nearest(1),
    "aten.upsample_nearest2d.vec": _nearest(2),
    "aten.upsample_nearest3d.vec": _nearest(3),
    "aten.upsample_trilinear3d.vec": _linear(3),
}
