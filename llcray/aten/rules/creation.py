"""Arrays made of numbers, and arrays in another type."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from llcray.array_types import Array


def _full(size: Sequence[int], value: Any, dtype: Any = None) -> Array:
    return jnp.full(size, value, dtype)


def _full_like(x: Array, value: Any, dtype: Any = None) -> Array:
    return jnp.full(x.shape, value, dtype or x.dtype)


def _scalar_tensor(value: Any, dtype: Any = None) -> Array:
    return jnp.asarray(value, dtype)


def _zeros(size: Sequence[int], *_: Any, dtype: Any = None) -> Array:
    """The array that torch leaves without values until others are written into it."""
    return jnp.zeros(size, dtype)


def _arange(start: Any, end: Any, step: Any = 1, dtype: Any = None) -> Array:
    return jnp.arange(start, end, step, dtype)


def _to_copy(x: Array, dtype: Any = None) -> Array:
    return x if dtype is None else x.astype(dtype)


RULES = {
    "aten._to_copy.default": _to_copy,
    "aten.arange.start_step": _arange,
    "aten.empty.memory_format": _zeros,
    "aten.empty_permuted.default": _zeros,
    "aten.full.default": _full,
    "aten.full_like.default": _full_like,
    "aten.scalar_tensor.default": _scalar_tensor,
}
