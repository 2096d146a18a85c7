"""Checks of the pytrees that a user hands over: parameters and data, each mistake named with its leaf."""

from typing import Any

import numpy as np

from llcray.array_types import PyTree

STACK = "Stack the examples: jax.tree.map(lambda *leaves: np.stack(leaves), *data)."


def check_params(params: PyTree) -> None:
    """Refuses parameters that cannot be sampled.

    Raises:
        ValueError: There are no parameters, or one is not floating point; the message names that parameter.
    """
    import jax

    leaves = jax.tree_util.tree_leaves_with_path(params)
    if not leaves:
        raise ValueError("The target has no parameters. Give params as a pytree of floating-point arrays.")
    for path, leaf in leaves:
        name = f"Parameter {jax.tree_util.keystr(path)}".strip()
        dtype = _type_of(name, leaf)
        if not jax.numpy.issubdtype(dtype, np.floating):
            raise ValueError(
                f"{name} has type {dtype}; only floating-point parameters can be sampled. "
                "Cast it, or keep it inside loss_fn."
            )


def check_data(data: PyTree) -> None:
    """Refuses data that are no pytree of arrays whose first axis is the examples.

    Raises:
        ValueError: There are no arrays, or one is a scalar, is no array of numbers, or has another length than the
            first one; the message names that leaf.
    """
    import jax

    leaves = jax.tree_util.tree_leaves_with_path(data)
    if not leaves:
        raise ValueError("The target has no data. Give a pytree of arrays whose first axis is the examples.")
    hint = f" {STACK}" if isinstance(data, list) else ""
    lengths: dict[str, int] = {}
    for path, leaf in leaves:
        name = f"Data {jax.tree_util.keystr(path)}".strip()
        dtype = _type_of(name, leaf)
        if dtype.kind in "OSUMmV" and not jax.numpy.issubdtype(dtype, np.number):
            raise ValueError(f"{name} has type {dtype}; JAX computes with numbers and Booleans. Encode it.{hint}")
        if not np.ndim(leaf):
            raise ValueError(
                f"{name} is a single number; the first axis of every array is the examples. Keep constants inside "
                f"loss_fn.{hint}"
            )
        lengths[name] = np.shape(leaf)[0]
    (first, num_data), *others = lengths.items()
    for name, length in others:
        if length != num_data:
            raise ValueError(
                f"{name} holds {length} examples and {first} holds {num_data}; the first axis of every array is the "
                f"examples. Give as many of one as of the other.{hint}"
            )
    if not num_data:
        raise ValueError(f"{first} holds no examples. Give one or more.")


def _type_of(name: str, leaf: Any) -> np.dtype:
    import jax

    if isinstance(leaf, jax.Array) and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        raise ValueError(f"{name} is a PRNG key, which has no gradient and no examples. Keep it inside loss_fn.")
    try:
        return np.asarray(leaf).dtype
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}, a {type(leaf).__name__}, is no array of numbers ({error}).") from error
