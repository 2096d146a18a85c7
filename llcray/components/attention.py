"""Cuts of attention parameters: the head, and the one of Q, K, V, O, that each row or column belongs to.

The name of a parameter tells its layout. PyTorch's `weight` is (outputs, inputs); `kernel`, and GPT-2's `c_attn` and
`c_proj`, are (inputs, outputs); a third axis of length `num_heads` stands for the heads. A fused weight holds Q, K and
V one after another (GPT-2, PyTorch), or the three of each head in turn (GPT-NeoX: (heads, 3, head size)).
"""

from dataclasses import dataclass

import numpy as np

from llcray.components.roles import Role, words_of
from llcray.components.structure import Structure

INTERLEAVED = "query_key_value"
INPUTS_FIRST = ("c_attn", "c_proj")
CODES = {"q": 0, "k": 1, "v": 2, "o": 3}


@dataclass(frozen=True)
class Cut:
    """A parameter cut along one axis.

    Attributes:
        axis: The axis that is cut.
        parts: Code of q, k, v or o at each index of the axis.
        heads: Number of the query head (for k and v of the key and value head) at each index; None when not known.
    """

    axis: int
    parts: np.ndarray
    heads: np.ndarray | None


def cut_of(path: str, role: Role, shape: tuple[int, ...], structure: Structure | None) -> Cut | None:
    """The cut of an attention parameter; None for one that no head owns (norms, the bias of O).

    Raises:
        ValueError: The size of the parameter is no multiple of the number of heads.
    """
    if role.part not in ("q", "k", "v", "o", "qkv") or not shape:
        return None
    is_bias = words_of(path)[-1] in ("bias", "in_proj_bias")
    if role.part == "o" and is_bias:
        return None
    num_heads = structure.num_heads if structure is not None else None
    num_groups = structure.num_groups if structure is not None else None
    axis = _axis(path, role, shape, is_bias, num_groups if role.part in ("k", "v") else num_heads)
    size = shape[axis]
    if role.part != "qkv":
        heads = num_groups if role.part in ("k", "v") else num_heads
        return Cut(axis, np.full(size, CODES[role.part]), _blocks(path, size, heads))
    if INTERLEAVED in words_of(path):
        return _interleaved(path, axis, size, num_heads)
    return _concatenated(path, axis, size, num_heads, num_groups)


def _axis(path: str, role: Role, shape: tuple[int, ...], is_bias: bool, num_heads: int | None) -> int:
    if is_bias:
        return 0
    words = words_of(path)
    inputs_first = words[-1] == "kernel" or any(word in INPUTS_FIRST for word in words)
    if len(shape) == 3 and num_heads in shape:
        return shape.index(num_heads)
    outputs_last = inputs_first != (role.part == "o")
    return len(shape) - 1 if outputs_last else 0


def _blocks(path: str, size: int, num_heads: int | None) -> np.ndarray | None:
    if num_heads is None:
        return None
    if size % num_heads:
        raise ValueError(f"parameter {path} has {size} rows or columns, no multiple of its {num_heads} heads")
    return np.repeat(np.arange(num_heads), size // num_heads)


def _interleaved(path: str, axis: int, size: int, num_heads: int | None) -> Cut:
    heads = _blocks(path, size, num_heads)
    if heads is None or num_heads is None:
        raise ValueError(f"parameter {path} holds Q, K and V head by head; say num_heads in the target's structure")
    parts = np.tile(np.repeat(np.arange(3), size // (3 * num_heads)), num_heads)
    return Cut(axis, parts, heads)


def _concatenated(path: str, axis: int, size: int, num_heads: int | None, num_groups: int | None) -> Cut:
    # Q, K and V are of one size where each head has a key and a value, or where the heads are not known.
    shares = [1, 1, 1] if num_heads is None or num_groups is None else [num_heads, num_groups, num_groups]
    sizes = [size * share // sum(shares) for share in shares]
    parts = np.repeat(np.arange(3), sizes)
    if num_heads is None:
        return Cut(axis, parts, None)
    heads = [_blocks(path, own, number) for own, number in zip(sizes, (num_heads, num_groups, num_groups), strict=True)]
    return Cut(axis, parts, np.concatenate([own for own in heads if own is not None]))
