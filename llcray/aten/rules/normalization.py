"""Norms of layers, groups and batches, computed in float32 at least. Each gives (y, mean, 1/deviation)."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax

from llcray.array_types import Array

Normalized = tuple[Array, Array, Array]


def _normalized(x: Array, axes: tuple[int, ...], epsilon: float) -> Normalized:
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    mean = jnp.mean(wide, axes, keepdims=True)
    scale = lax.rsqrt(jnp.mean(jnp.square(wide - mean), axes, keepdims=True) + epsilon)
    return (wide - mean) * scale, mean, scale


def _affine(y: Array, weight: Array | None, bias: Array | None) -> Array:
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _of_channels(vector: Array | None, x: Array) -> Array | None:
    """A vector of channels, in a shape that broadcasts against images (n, channel, ...)."""
    return None if vector is None else vector.reshape(-1, *(1,) * (x.ndim - 2))


def _layer_norm(x: Array, shape: Sequence[int], weight: Array | None, bias: Array | None, epsilon: float) -> Normalized:
    y, mean, scale = _normalized(x, tuple(range(-len(shape), 0)), epsilon)
    return _affine(y, weight, bias).astype(x.dtype), mean, scale


def _group_norm(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    num_examples: int,
    num_channels: int,
    num_places: int,
    num_groups: int,
    epsilon: float,
) -> Normalized:
    del num_channels, num_places
    y, mean, scale = _normalized(x.reshape(num_examples, num_groups, -1), (-1,), epsilon)
    y = _affine(y.reshape(x.shape), _of_channels(weight, x), _of_channels(bias, x))
    return y.astype(x.dtype), mean.squeeze(-1), scale.squeeze(-1)


def _batch_norm(
    x: Array, weight: Array | None, bias: Array | None, mean: Array, variance: Array, momentum: float, epsilon: float
) -> tuple[Array, None, None]:
    """The norm with running statistics, that is, in evaluation mode."""
    del momentum
    scale = lax.rsqrt(variance + epsilon)
    centered = x - _of_channels(mean, x)
    y = centered * _of_channels(scale if weight is None else scale * weight, x)
    return _affine(y, None, _of_channels(bias, x)).astype(x.dtype), None, None


def _norm_without_statistics(
    x: Array, weight: Array | None, bias: Array | None, training: bool, momentum: float, epsilon: float
) -> Normalized:
    """The norm over examples and places; an instance norm is one of a single example of all channels."""
    del training, momentum
    y, mean, scale = _normalized(x, (0, *range(2, x.ndim)), epsilon)
    y = _affine(y, _of_channels(weight, x), _of_channels(bias, x))
    return y.astype(x.dtype), mean.reshape(-1), scale.reshape(-1)


RULES = {
    "aten._native_batch_norm_legit.no_stats": _norm_without_statistics,
    "aten._native_batch_norm_legit_no_training.default": _batch_norm,
    "aten.native_group_norm.default": _group_norm,
    "aten.native_layer_norm.default": _layer_norm,
}
