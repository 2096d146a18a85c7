"""The settings of JAX that llcray's programs are traced and run in, whatever those of the caller are.

JAX 0.10 remembers the typed form of every NumPy array that a traced function closes over by the array alone, and not by
`jax_enable_x64` as well. An array of a 64-bit type that was seen under one setting is then wrong under the other, for
as long as any trace holds it: XLA refuses the size of a buffer, in the caller's own programs too. Such arrays are
labels of NumPy's default type and constants of a loss. `own_settings` replaces that memory by one that knows the
setting.
"""

import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import jax
import numpy as np

T = TypeVar("T")


@contextmanager
def own_settings(*, float64: bool) -> Generator[None]:
    """Sets what JAX reads from flags and environment; the caller's settings hold again afterwards.

    Args:
        float64: Whether 64-bit types are enabled.
    """
    _tell_constants_apart()
    with ExitStack() as settings:
        settings.enter_context(jax.enable_x64(float64))
        settings.enter_context(jax.disable_jit(False))
        settings.enter_context(jax.debug_nans(False))
        settings.enter_context(jax.debug_infs(False))
        settings.enter_context(jax.debug_key_reuse(False))
        settings.enter_context(jax.check_tracer_leaks(False))
        settings.enter_context(jax.numpy_dtype_promotion("standard"))
        settings.enter_context(jax.numpy_rank_promotion("allow"))
        settings.enter_context(jax.transfer_guard("allow"))
        yield


def each_in_own_settings(values: Iterator[T], *, float64: bool) -> Iterator[T]:
    """Yields the values, each computed in `own_settings`; the caller's settings hold between them."""
    while True:
        with own_settings(float64=float64):
            try:
                value = next(values)
            except StopIteration:
                return
        yield value


def _tell_constants_apart() -> None:
    """Replaces JAX's memory of NumPy constants, where it confuses those of 32 and 64 bits."""
    from jax._src import dtypes

    if not hasattr(dtypes, "canonicalize_value_handlers"):
        return
    array = np.zeros(1)
    with jax.enable_x64(True):
        wide = dtypes.canonicalize_value(array)
    with jax.enable_x64(False):
        narrow: Any = dtypes.canonicalize_value(array)
    if narrow.dtype == wide.dtype:
        dtypes.canonicalize_value_handlers[np.ndarray] = _Constants()


class _Constants:
    """Gives the typed form of a NumPy array: one object for an array and a type, as long as both live."""

    def __init__(self) -> None:
        self._typed: dict[tuple[int, np.dtype], tuple[Callable[[], Any], Callable[[], Any]]] = {}

    def __call__(self, array: np.ndarray) -> Any:
        from jax._src.literals import TypedNdArray

        dtype = jax.dtypes.canonicalize_dtype(array.dtype)
        key = (id(array), dtype)
        source, typed = self._typed.get(key, (_nothing, _nothing))
        value = typed()
        if value is None or source() is not array:
            value = TypedNdArray(np.asarray(array, dtype))
            self._typed[key] = (weakref.ref(array, self._forgetting(key)), weakref.ref(value, self._forgetting(key)))
        return value

    def _forgetting(self, key: tuple[int, np.dtype]) -> Callable[[Any], None]:
        """Returns what forgets an entry when its array or its typed form dies, unless a later one has its place."""

        def forget(dead: Any) -> None:
            entry = self._typed.get(key)
            if entry is not None and any(dead is reference for reference in entry):
                del self._typed[key]

        return forget


def _nothing() -> None:
    return None
