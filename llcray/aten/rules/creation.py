"""Arrays made of numbers, and arrays in another type."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

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


def _zeros_like(x: Array, size: Sequence[int], stride: Sequence[int], dtype: Any = None) -> Array:
    del stride
    return jnp.zeros(size, dtype or x.dtype)


def _copied(x: Array, source: Array) -> Array:
    """The array after another has been written over all of it."""
    return jnp.broadcast_to(source, x.shape).astype(x.dtype)


def _triangle(indices: Callable[..., Any]) -> Callable[..., Array]:
    return lambda rows, columns, offset=0, dtype=None: jnp.asarray(np.stack(indices(rows, offset, columns)), dtype)


def _window(function: Callable[..., np.ndarray]) -> Callable[..., Array]:
    """A window of a signal; a periodic one is without the last element of one that is longer by one."""

    def window(length: int, periodic: bool = True, *settings: float, dtype: Any = None) -> Array:
        longer = length + (periodic and length > 1)
        return jnp.asarray(function(longer, *settings)[:length], dtype)

    return window


def _hamming(length: int, alpha: float = 0.54, beta: float = 0.46) -> np.ndarray:
    return alpha - beta * np.cos(2 * np.pi * np.arange(length) / (length - 1)) if length > 1 else np.ones(length)


def _kaiser(length: int, beta: float = 12.0) -> np.ndarray:
    return np.kaiser(length, beta)


RULES = {
    "aten._to_copy.default": _to_copy,
    "aten.arange.start_step": _arange,
    **{f"aten.bartlett_window.{kind}": _window(np.bartlett) for kind in ("default", "periodic")},
    **{f"aten.blackman_window.{kind}": _window(np.blackman) for kind in ("default", "periodic")},
    "aten.copy.default": _copied,
    "aten.empty.memory_format": _zeros,
    "aten.empty_permuted.default": _zeros,
    "aten.empty_strided.default": _zeros,
    "aten.fft_fftfreq.default": lambda n, d=1.0, dtype=None: jnp.fft.fftfreq(n, d, dtype=dtype),
    "aten.fft_rfftfreq.default": lambda n, d=1.0, dtype=None: jnp.fft.rfftfreq(n, d, dtype=dtype),
    "aten.full.default": _full,
    "aten.full_like.default": _full_like,
    **{
        f"aten.hamming_window.{kind}": _window(_hamming)
        for kind in ("default", "periodic", "periodic_alpha", "periodic_alpha_beta")
    },
    **{f"aten.kaiser_window.{kind}": _window(_kaiser) for kind in ("default", "periodic", "beta")},
    "aten.new_empty_strided.default": _zeros_like,
    "aten.scalar_tensor.default": _scalar_tensor,
    "aten.tril_indices.default": _triangle(np.tril_indices),
    "aten.triu_indices.default": _triangle(np.triu_indices),
}
