"""Functions of one array, element by element, activations among them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from llcray.array_types import Array


def _softplus(x: Array, beta: float = 1, threshold: float = 20) -> Array:
    is_linear = x * beta > threshold
    return jnp.where(is_linear, x, jax.nn.softplus(jnp.where(is_linear, 0, x) * beta) / beta)


def _gelu(x: Array, approximate: str = "none") -> Array:
    return jax.nn.gelu(x, approximate=approximate == "tanh")


def _elu(x: Array, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Array:
    is_positive = x > 0
    return scale * jnp.where(is_positive, x, alpha * jnp.expm1(input_scale * jnp.where(is_positive, 0, x)))


def _leaky_relu(x: Array, slope: float = 0.01) -> Array:
    return jnp.where(x > 0, x, slope * x)


def _hardtanh(x: Array, low: float = -1, high: float = 1) -> Array:
    """The clamp whose derivative at its bounds is zero, as torch has it."""
    return jnp.where(x <= low, low, jnp.where(x >= high, high, x))


def _clamp(x: Array, low: Any = None, high: Any = None) -> Array:
    """The clamp whose derivative at its bounds is one, as torch has it."""
    if low is not None:
        x = jnp.where(x < low, low, x)
    return x if high is None else jnp.where(x > high, high, x)


def _round_to(x: Array, decimals: int = 0) -> Array:
    return jnp.round(x, decimals)


def _nan_to_num(x: Array, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Array:
    return jnp.nan_to_num(x, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


def absolute(x: Array) -> Array:
    """The absolute value, whose derivative at zero is zero, as torch has it."""
    is_zero = x == 0
    return jnp.where(is_zero, 0, jnp.abs(jnp.where(is_zero, 1, x))).astype(jnp.abs(x).dtype)


def _same(x: Array) -> Array:
    return x


def _of_reals(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A function of real numbers, which whole numbers become first."""
    return lambda x: function(x if jnp.issubdtype(x.dtype, jnp.inexact) else x * 1.0)


def _sign(x: Array) -> Array:
    return x if x.dtype == bool else jnp.sign(x)


@jax.custom_jvp
def _i0(x: Array) -> Array:
    """The modified Bessel function of order zero; the derivative that JAX has of it at zero is one, and not zero."""
    return jax.scipy.special.i0(x)


_i0.defjvps(lambda tangent, result, x: tangent * jax.scipy.special.i1(x))


@jax.custom_jvp
def _digamma(x: Array) -> Array:
    return jax.scipy.special.digamma(x)


_digamma.defjvps(lambda tangent, result, x: tangent * _polygamma(1, x))


def _polygamma(order: int, x: Array) -> Array:
    """The derivatives of digamma. JAX has the first wrong for negative x, by up to a fifth; these are reflected:

    psi_1(x) = (pi / sin(pi x))^2 - psi_1(1 - x)
    """
    if order == 0:
        return _digamma(x)
    if order > 1:
        return jax.scipy.special.polygamma(order, x)
    is_negative = x < 0
    value = jax.scipy.special.polygamma(1, jnp.where(is_negative, 1 - x, x))
    return jnp.where(is_negative, (jnp.pi / jnp.sin(jnp.pi * jnp.where(is_negative, x, 0.5))) ** 2 - value, value)


RULES = {
    "aten.abs.default": absolute,
    "aten.acos.default": jnp.arccos,
    "aten.acosh.default": jnp.arccosh,
    "aten.alias.default": _same,
    "aten.asin.default": jnp.arcsin,
    "aten.asinh.default": jnp.arcsinh,
    "aten.atan.default": jnp.arctan,
    "aten.atanh.default": jnp.arctanh,
    "aten.bitwise_not.default": jnp.bitwise_not,
    "aten.ceil.default": jnp.ceil,
    "aten.clamp.default": _clamp,
    "aten.clamp.Tensor": _clamp,
    "aten.clone.default": _same,
    "aten.cos.default": jnp.cos,
    "aten.cosh.default": jnp.cosh,
    # Decomposed to an alias, a detach would silently have a gradient.
    "aten.detach.default": lax.stop_gradient,
    "aten.digamma.default": _of_reals(_digamma),
    "aten.elu.default": _elu,
    "aten.erf.default": jax.scipy.special.erf,
    "aten.erfc.default": jax.scipy.special.erfc,
    "aten.erfinv.default": jax.scipy.special.erfinv,
    "aten.exp.default": jnp.exp,
    "aten.exp2.default": jnp.exp2,
    "aten.expm1.default": jnp.expm1,
    "aten.floor.default": jnp.floor,
    "aten.gelu.default": _gelu,
    "aten.hardtanh.default": _hardtanh,
    "aten.i0.default": _of_reals(_i0),
    "aten.isinf.default": jnp.isinf,
    "aten.isnan.default": jnp.isnan,
    "aten.leaky_relu.default": _leaky_relu,
    "aten.lgamma.default": jax.scipy.special.gammaln,
    "aten.lift.default": _same,
    "aten.lift_fresh.default": _same,
    "aten.lift_fresh_copy.default": _same,
    "aten.log.default": jnp.log,
    "aten.log10.default": jnp.log10,
    "aten.log1p.default": jnp.log1p,
    "aten.log2.default": jnp.log2,
    "aten.logical_not.default": jnp.logical_not,
    "aten.nan_to_num.default": _nan_to_num,
    "aten.neg.default": jnp.negative,
    "aten.polygamma.default": _polygamma,
    "aten.reciprocal.default": lambda x: 1 / x,
    "aten.relu.default": jax.nn.relu,
    "aten.round.decimals": _round_to,
    "aten.round.default": jnp.round,
    "aten.rsqrt.default": _of_reals(lax.rsqrt),
    "aten.sigmoid.default": _of_reals(jax.nn.sigmoid),
    "aten.sgn.default": _sign,
    "aten.sign.default": _sign,
    "aten.signbit.default": jnp.signbit,
    "aten.silu.default": jax.nn.silu,
    "aten.sin.default": jnp.sin,
    "aten.sinh.default": jnp.sinh,
    "aten.softplus.default": _softplus,
    "aten.special_i0e.default": jax.scipy.special.i0e,
    "aten.special_i1.default": jax.scipy.special.i1,
    "aten.special_i1e.default": jax.scipy.special.i1e,
    "aten.special_ndtri.default": _of_reals(jax.scipy.special.ndtri),
    "aten.sqrt.default": jnp.sqrt,
    "aten.tan.default": jnp.tan,
    "aten.tanh.default": jnp.tanh,
    "aten.trunc.default": jnp.trunc,
}
