"""Products of matrices, attention, and distances between rows."""

import math

import jax
import jax.numpy as jnp

from llcray.array_types import Array


def _linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    return x @ weight.T if bias is None else x @ weight.T + bias


def _added_product(c: Array, a: Array, b: Array, *, beta: float = 1, alpha: float = 1) -> Array:
    product = a @ b
    return (c if beta == 1 else beta * c) + (product if alpha == 1 else alpha * product)


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
    difference = jnp.abs(x[..., :, None, :] - y[..., None, :, :])
    if order == 0:
        return jnp.sum(difference != 0, -1).astype(x.dtype)
    if order == 1:
        return jnp.sum(difference, -1)
    if math.isinf(order):
        return jnp.max(difference, -1)
    power = jnp.sum(difference**2 if order == 2 else difference**order, -1)
    is_positive = power > 0
    return jnp.where(is_positive, jnp.where(is_positive, power, 1) ** (1 / order), 0)


RULES = {
    "aten._cdist_forward.default": _distances,
    "aten.addmm.default": _added_product,
    "aten.baddbmm.default": _added_product,
    "aten.bmm.default": jnp.matmul,
    "aten.linear.default": _linear,
    "aten.matmul.default": jnp.matmul,
    "aten.mm.default": jnp.matmul,
    "aten.scaled_dot_product_attention.default": _attention,
}
