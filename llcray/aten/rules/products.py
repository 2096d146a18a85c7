"""Products of matrices, attention, and distances between rows."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from llcray.array_types import Array
from llcray.aten.rules.pointwise import absolute


def _linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    return x @ weight.T if bias is None else x @ weight.T + bias


def _added_product(c: Array, a: Array, b: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    return _added(c, a @ b, beta, alpha)


def _added(c: Array, product: Array, beta: float, alpha: float) -> Array:
    """beta c + alpha product; with beta = 0, what is not finite in c does not matter."""
    product = product if alpha == 1 else alpha * product
    if beta == 0:
        return jnp.broadcast_to(product, jnp.broadcast_shapes(c.shape, product.shape))
    return (c if beta == 1 else beta * c) + product


def _added_sum_of_products(c: Array, a: Array, b: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    return _added(c, jnp.sum(a @ b, 0), beta, alpha)


def _trilinear(
    x: Array,
    y: Array,
    z: Array,
    expand1: Sequence[int],
    expand2: Sequence[int],
    expand3: Sequence[int],
    sumdim: Sequence[int],
    unroll_dim: int = 1,
) -> Array:
    """The sum over axes of the product of three arrays, each with new axes of one."""
    del unroll_dim
    x, y, z = (jnp.expand_dims(a, tuple(axes)) for a, axes in ((x, expand1), (y, expand2), (z, expand3)))
    letters = "abcdefghij"[: x.ndim]
    kept = "".join(letter for axis, letter in enumerate(letters) if axis not in sumdim)
    parts, arrays = [], []
    for a in (x, y, z):
        axes = [axis for axis, size in enumerate(a.shape) if size == 1]
        parts.append("".join(letter for axis, letter in enumerate(letters) if axis not in axes))
        arrays.append(a.squeeze(tuple(axes)))
    used = set("".join(parts))
    total = jnp.einsum(f"{','.join(parts)}->{''.join(letter for letter in kept if letter in used)}", *arrays)
    return jnp.expand_dims(total, [axis for axis, letter in enumerate(kept) if letter not in used])


def _grouped(x: Array, y: Array, ends: Array | None = None, bias: Array | None = None, out_dtype: Any = None) -> Array:
    """Rows of x (row, in), in groups that end at `ends`, each times its group's matrix of y (group, in, out)."""
    del out_dtype
    if ends is None and bias is None:
        return x @ y
    if x.ndim != 2 or y.ndim != 3 or ends is None or bias is not None:
        raise ValueError("grouped_mm has a rule for rows in groups and a matrix for each group, without bias")
    # All products are computed: lax.ragged_dot cannot be batched over the matrices alone, as chains of experts are.
    group = jnp.searchsorted(ends, jnp.arange(x.shape[0]), side="right")
    products = jnp.einsum("ri,gio->rgo", x, y)
    return jnp.take_along_axis(products, group[:, None, None], 1, mode="fill", fill_value=0)[:, 0]


def _convolved_in_time(x: Array, weight: Array, bias: Array, pad: int = 0) -> Array:
    """The convolution of series (time, n, channel) with weights (width, in, out)."""
    y = lax.conv_general_dilated(x, weight, [1], [(pad, pad)], dimension_numbers=("HNC", "HIO", "HNC"))
    return y + bias


def _attention(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None = None,
    dropout: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Array:
    """Attention, with weights in float32 at least. A query that may see nothing attends to nothing."""
    if dropout:
        raise ValueError("attention drops weights at random. Call module.eval() first, or set its dropout to 0")
    if enable_gqa:
        key, value = (jnp.repeat(x, query.shape[-3] // x.shape[-3], axis=-3) for x in (key, value))
    wide = jnp.promote_types(query.dtype, jnp.float32)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = jnp.einsum("...qd,...kd->...qk", query, key).astype(wide) * scale
    if is_causal:
        mask = jnp.tril(jnp.ones(scores.shape[-2:], bool))
    if mask is not None:
        scores = jnp.where(mask, scores, -jnp.inf) if mask.dtype == bool else scores + mask
    sees_any = jnp.max(scores, -1, keepdims=True) > -jnp.inf
    weights = jnp.where(sees_any, jax.nn.softmax(jnp.where(sees_any, scores, 0), axis=-1), 0)
    return weights.astype(query.dtype) @ value


def _distances(x: Array, y: Array, order: float = 2, compute_mode: int | None = None) -> Array:
    """Distances of rows of x from rows of y; the derivative at distance zero is zero, as torch has it."""
    del compute_mode
    return _norm(x[..., :, None, :] - y[..., None, :, :], order)


def _distances_within(x: Array, order: float = 2) -> Array:
    """Distances of each row from those after it."""
    first, second = np.triu_indices(x.shape[0], 1)
    return _norm(x[first] - x[second], order)


def _distance(x: Array, y: Array, order: float = 2) -> Array:
    return _norm((x - y).reshape(-1), order)


def _norm(difference: Array, order: float) -> Array:
    difference = absolute(difference)
    if order == 0:
        return jnp.sum(difference != 0, -1).astype(difference.dtype)
    if order == 1:
        return jnp.sum(difference, -1)
    if math.isinf(order):
        return jnp.max(difference, -1)
    power = jnp.sum(difference**2 if order == 2 else difference**order, -1)
    is_positive = power > 0
    return jnp.where(is_positive, jnp.where(is_positive, power, 1) ** (1 / order), 0)


RULES = {
    "aten._cdist_forward.default": _distances,
    "aten._grouped_mm.default": _grouped,
    "aten._pdist_forward.default": _distances_within,
    "aten._trilinear.default": _trilinear,
    "aten.addbmm.default": _added_sum_of_products,
    "aten.addmm.default": _added_product,
    "aten.addmv.default": _added_product,
    "aten.baddbmm.default": _added_product,
    "aten.bmm.default": jnp.matmul,
    "aten.conv_tbc.default": _convolved_in_time,
    "aten.dist.default": _distance,
    "aten.linear.default": _linear,
    "aten.matmul.default": jnp.matmul,
    "aten.mm.default": jnp.matmul,
    "aten.scaled_dot_product_attention.default": _attention,
    "transformers.grouped_mm_fallback.default": _grouped,
}
