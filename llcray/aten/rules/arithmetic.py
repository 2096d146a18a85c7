"""Arithmetic, comparisons and logic of two arrays, or of an array and a number."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from llcray.array_types import Array


def _add(x: Any, y: Any, alpha: float = 1) -> Array:
    return x + (y if alpha == 1 else alpha * y)


def _sub(x: Any, y: Any, alpha: float = 1) -> Array:
    return x - (y if alpha == 1 else alpha * y)


def _reversed_sub(x: Any, y: Any, alpha: float = 1) -> Array:
    return y - (x if alpha == 1 else alpha * x)


def _mul(x: Any, y: Any) -> Array:
    return x * y


def _div(x: Any, y: Any, rounding_mode: str | None = None) -> Array:
    if rounding_mode is None:
        return jnp.true_divide(x, y)
    if rounding_mode == "floor":
        return jnp.floor_divide(x, y)
    if jnp.issubdtype(jnp.result_type(x, y), jnp.integer):
        return lax.div(*_alike(x, y))
    return jnp.trunc(jnp.true_divide(x, y))


def _alike(x: Any, y: Any) -> list[Array]:
    """Arrays of one type and one shape."""
    dtype = jnp.result_type(x, y)
    return jnp.broadcast_arrays(jnp.asarray(x, dtype), jnp.asarray(y, dtype))


def _pow(x: Any, y: Any) -> Array:
    """A power; whole exponents are multiplications, whose derivative at zero is finite."""
    if isinstance(y, float) and jnp.issubdtype(jnp.result_type(x), jnp.integer):
        x = x * 1.0
    if isinstance(y, int | float) and float(y).is_integer():
        return x ** int(y)
    return jnp.power(x, y)


def _masked_fill(x: Array, mask: Array, value: Any) -> Array:
    return jnp.where(mask, jnp.asarray(value, x.dtype), x)


def _copysign(x: Array, y: Any) -> Array:
    x, y = (z if jnp.issubdtype(jnp.result_type(z), jnp.inexact) else z * 1.0 for z in (x, y))
    return jnp.where(jnp.signbit(x) == jnp.signbit(y), x, -x)


def _addcmul(x: Array, y: Array, z: Array, value: float = 1) -> Array:
    return x + value * y * z


def _addcdiv(x: Array, y: Array, z: Array, value: float = 1) -> Array:
    return x + value * y / z


RULES = {
    "aten.add.Scalar": _add,
    "aten.add.Tensor": _add,
    "aten.addcdiv.default": _addcdiv,
    "aten.addcmul.default": _addcmul,
    "aten.atan2.default": jnp.arctan2,
    "aten.bitwise_and.Scalar": jnp.bitwise_and,
    "aten.bitwise_and.Scalar_Tensor": jnp.bitwise_and,
    "aten.bitwise_and.Tensor": jnp.bitwise_and,
    "aten.bitwise_left_shift.Scalar_Tensor": jnp.left_shift,
    "aten.bitwise_left_shift.Tensor": jnp.left_shift,
    "aten.bitwise_left_shift.Tensor_Scalar": jnp.left_shift,
    "aten.bitwise_or.Scalar": jnp.bitwise_or,
    "aten.bitwise_or.Scalar_Tensor": jnp.bitwise_or,
    "aten.bitwise_or.Tensor": jnp.bitwise_or,
    "aten.bitwise_right_shift.Scalar_Tensor": jnp.right_shift,
    "aten.bitwise_right_shift.Tensor": jnp.right_shift,
    "aten.bitwise_right_shift.Tensor_Scalar": jnp.right_shift,
    "aten.bitwise_xor.Scalar": jnp.bitwise_xor,
    "aten.bitwise_xor.Scalar_Tensor": jnp.bitwise_xor,
    "aten.bitwise_xor.Tensor": jnp.bitwise_xor,
    "aten.copysign.Scalar": _copysign,
    "aten.copysign.Tensor": _copysign,
    "aten.div.Scalar": _div,
    "aten.div.Scalar_mode": _div,
    "aten.div.Tensor": _div,
    "aten.div.Tensor_mode": _div,
    "aten.eq.Scalar": jnp.equal,
    "aten.eq.Tensor": jnp.equal,
    "aten.fmax.default": lambda x, y: jnp.where((x >= y) | jnp.isnan(y), x, y),
    "aten.fmin.default": lambda x, y: jnp.where((x <= y) | jnp.isnan(y), x, y),
    "aten.fmod.Scalar": jnp.fmod,
    "aten.fmod.Tensor": jnp.fmod,
    "aten.ge.Scalar": jnp.greater_equal,
    "aten.ge.Tensor": jnp.greater_equal,
    "aten.gt.Scalar": jnp.greater,
    "aten.gt.Tensor": jnp.greater,
    "aten.hypot.default": jnp.hypot,
    "aten.igamma.default": jax.scipy.special.gammainc,
    "aten.igammac.default": jax.scipy.special.gammaincc,
    "aten.ldexp.Tensor": lambda x, power: x * jnp.exp2(power.astype(x.dtype)),
    "aten.le.Scalar": jnp.less_equal,
    "aten.le.Tensor": jnp.less_equal,
    "aten.logical_and.default": jnp.logical_and,
    "aten.logical_or.default": jnp.logical_or,
    "aten.logical_xor.default": jnp.logical_xor,
    "aten.lt.Scalar": jnp.less,
    "aten.lt.Tensor": jnp.less,
    "aten.masked_fill.Scalar": _masked_fill,
    "aten.masked_fill.Tensor": _masked_fill,
    "aten.maximum.default": jnp.maximum,
    "aten.minimum.default": jnp.minimum,
    "aten.mul.Scalar": _mul,
    "aten.mul.Tensor": _mul,
    "aten.ne.Scalar": jnp.not_equal,
    "aten.ne.Tensor": jnp.not_equal,
    "aten.pow.Scalar": _pow,
    "aten.pow.Tensor_Scalar": _pow,
    "aten.pow.Tensor_Tensor": _pow,
    "aten.remainder.Scalar": jnp.mod,
    "aten.remainder.Scalar_Tensor": jnp.mod,
    "aten.remainder.Tensor": jnp.mod,
    "aten.rsub.Scalar": _reversed_sub,
    "aten.sub.Scalar": _sub,
    "aten.sub.Tensor": _sub,
    "aten.where.self": jnp.where,
}
