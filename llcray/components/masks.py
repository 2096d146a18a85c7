"""Masks: components as boolean pytrees over parameters, as `llcray.posterior.density.make_posterior` takes them."""

import fnmatch
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from llcray.array_types import PyTree
from llcray.components.attention import CODES, cut_of
from llcray.components.grammar import Component, Selector, parse
from llcray.components.roles import Role, role_of
from llcray.components.structure import Structure
from llcray.file_digest import file_digest

Mask = bool | np.ndarray
MOST_NAMES = 12


def mask_of(
    component: str | Component, params: PyTree, structure: Structure | None = None, mask_files: Sequence[Path] = ()
) -> PyTree:
    """The mask of a component: a pytree like `params` of True, False or boolean arrays; None for `all`.

    Args:
        component: A text of the grammar, or a parsed one.
        params: The parameters, or shapes in their place.
        structure: Numbers of heads, where the component names a head.
        mask_files: Files of the masks that the component names by their digests.

    Raises:
        ValueError: The component selects nothing, names a head of a target that does not say how many there are, or
            names a mask that is in none of the files.
    """
    import jax

    component = parse(component) if isinstance(component, str) else component
    if any(selector.is_everything for selector in component.selectors):
        return None
    selectors = [_located(selector, mask_files) for selector in component.selectors]
    leaves, treedef = jax.tree_util.tree_flatten_with_path(params)
    named = [(path_of(path), np.shape(leaf)) for path, leaf in leaves]
    masks = [_union([_selected(selector, path, shape, structure) for selector in selectors]) for path, shape in named]
    if not any(np.any(mask) for mask in masks):
        raise ValueError(_nothing(component.name, [path for path, _ in named]))
    return jax.tree.unflatten(treedef, masks)


def path_of(path: Any) -> str:
    """The path of a parameter as components match it, with keys joined by `/`."""
    import jax

    return jax.tree_util.keystr(path, simple=True, separator="/")


def _union(masks: list[Mask]) -> Mask:
    if any(mask is True for mask in masks):
        return True
    arrays = [mask for mask in masks if isinstance(mask, np.ndarray)]
    return np.logical_or.reduce(arrays) if arrays else False


def _selected(selector: Selector, path: str, shape: tuple[int, ...], structure: Structure | None) -> Mask:
    if selector.mask_file is not None:
        return _from_file(selector.mask_file, path, shape)
    if selector.pattern is not None:
        return matches(selector.pattern, path)
    role = role_of(path)
    if selector.layer is not None and role.layer != selector.layer:
        return False
    if selector.block is not None and not _in_block(selector, role):
        return False
    if selector.part is None and selector.head is None and selector.group is None:
        return True
    return _slice(selector, path, role, shape, structure)


def matches(pattern: str, path: str) -> bool:
    """Whether a glob fits a whole path, or a text without wildcards is part of it; `/` and `.` are taken as equal."""
    pattern, path = pattern.replace(".", "/"), path.replace(".", "/")
    if any(sign in pattern for sign in "*?["):
        # `*/mlp/*` also means an mlp that no module encloses.
        return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(f"/{path}", pattern)
    return pattern in path


def _in_block(selector: Selector, role: Role) -> bool:
    return role.block == selector.block or (selector.block == "norm" and role.part == "norm")


def _slice(selector: Selector, path: str, role: Role, shape: tuple[int, ...], structure: Structure | None) -> Mask:
    cut = cut_of(path, role, shape, structure)
    if cut is None:
        # The bias of O has no head, but it is a part of O.
        return selector.part == role.part and selector.head is None and selector.group is None
    chosen = np.ones(shape[cut.axis], bool)
    if selector.part is not None:
        chosen &= cut.parts == CODES[selector.part]
    if selector.head is not None or selector.group is not None:
        chosen &= _of_heads(selector, path, cut.parts, cut.heads, structure)
    if chosen.all() or not chosen.any():
        return bool(chosen.all())
    return np.broadcast_to(np.expand_dims(chosen, [axis for axis in range(len(shape)) if axis != cut.axis]), shape)


def _of_heads(
    selector: Selector, path: str, parts: np.ndarray, heads: np.ndarray | None, structure: Structure | None
) -> np.ndarray:
    if heads is None or structure is None or structure.num_heads is None or structure.num_groups is None:
        raise ValueError(
            f"a head of {path} was asked for, but not how many heads there are; give the target "
            "structure=Structure(num_heads=...)"
        )
    own, number = (
        (structure.num_heads, selector.head) if selector.head is not None else (structure.num_groups, selector.group)
    )
    assert number is not None
    if number >= own:
        raise ValueError(
            f"there is no {'head' if selector.head is not None else 'group'} {number}: there are {own}, from 0"
        )
    shared = np.isin(parts, (CODES["k"], CODES["v"]))
    if selector.group is not None:
        return np.where(shared, heads, heads * structure.num_groups // structure.num_heads) == number
    if structure.num_groups != structure.num_heads:
        return ~shared & (heads == number)
    return heads == number


def _located(selector: Selector, mask_files: Sequence[Path]) -> Selector:
    """The selector with the path of its mask, where the selector names a mask by digest."""
    named = selector.mask_file
    if named is None or not named.startswith("#"):
        return selector
    matching = [file for file in mask_files if file.is_file() and file_digest(file).startswith(named[1:])]
    if not matching:
        places = ", ".join(str(file) for file in mask_files) or "no file was given"
        raise ValueError(
            f"no mask has the SHA-256 {named[1:]}... ({places}): it changed or moved. Plan the sweep again."
        )
    return replace(selector, mask_file=str(matching[0]))


def _from_file(file: str, path: str, shape: tuple[int, ...]) -> Mask:
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as stored:
        if path not in stored.keys():  # noqa: SIM118  (not a mapping)
            return False
        mask = np.asarray(stored.get_tensor(path), bool)
    if mask.shape != shape:
        raise ValueError(f"{file}: the mask of {path} has shape {mask.shape}, the parameter {shape}; make them equal")
    return mask


def _nothing(name: str, paths: list[str]) -> str:
    shown = ", ".join(paths[:MOST_NAMES]) + (f", and {len(paths) - MOST_NAMES} more" if len(paths) > MOST_NAMES else "")
    hint = " Tied output weights are part of embed." if "unembed" in name else ""
    return f"component '{name}' selects 0 parameters; an LLC needs at least one.{hint} The target's are: {shown}."
