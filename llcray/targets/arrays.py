"""Trees of arrays under names, as they are stored: `params/hidden_0/kernel`."""

import json
from typing import Any

import numpy as np

from llcray.array_types import Arrays, PyTree


def named_arrays(prefix: str, tree: PyTree) -> Arrays:
    """The leaves of a tree as C-contiguous NumPy arrays, each named by `prefix` and its path."""
    import jax

    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {_name(prefix, path): np.array(leaf, order="C") for path, leaf in leaves}


def tree_of(prefix: str, like: PyTree, arrays: Arrays) -> PyTree:
    """The tree whose `named_arrays` these are.

    Args:
        prefix: First part of the names.
        like: A tree of the same structure; its leaves need only shapes.
        arrays: Arrays by name; those under other prefixes are passed over.

    Raises:
        ValueError: Names or shapes differ from those of `like`.
    """
    import jax

    leaves, treedef = jax.tree_util.tree_flatten_with_path(like)
    names = [_name(prefix, path) for path, _ in leaves]
    stored = {name: array.shape for name, array in arrays.items() if name == prefix or name.startswith(f"{prefix}/")}
    wanted = {name: tuple(leaf.shape) for name, (_, leaf) in zip(names, leaves, strict=True)}
    if stored != wanted:
        raise ValueError(
            f"The stored target has arrays {json.dumps(stored)}, its spec now gives {json.dumps(wanted)}. If the code "
            "of its factory changed, give it another name or argument."
        )
    return jax.tree.unflatten(treedef, [arrays[name] for name in names])


def _name(prefix: str, path: Any) -> str:
    import jax

    keys = jax.tree_util.keystr(path, simple=True, separator="/")
    return f"{prefix}/{keys}" if keys else prefix
