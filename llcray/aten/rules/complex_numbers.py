"""Complex numbers and Fourier transforms, computed in complex64 at least.

Arrays that a loss is given are real: complex ones are traced as pairs of real numbers along a last axis of two.
"""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax

from llcray.array_types import Array

SCALES = (0.0, -0.5, -1.0)
"""Powers of the number of elements that torch's normalizations 0, 1, 2 multiply an unscaled transform by."""


def _wide(x: Array) -> Array:
    """The array in a type that complex numbers can have parts of."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _complex(real: Array, imaginary: Array) -> Array:
    return lax.complex(*jnp.broadcast_arrays(_wide(real), _wide(imaginary)))


def _polar(size: Array, angle: Array) -> Array:
    return _complex(size * jnp.cos(angle), size * jnp.sin(angle))


def _of_pairs(x: Array) -> Array:
    return _complex(x[..., 0], x[..., 1])


def _pairs(x: Array) -> Array:
    return jnp.stack([x.real, x.imag], -1)


def _scaled(x: Array, num_elements: int, normalization: int) -> Array:
    return x * num_elements ** SCALES[normalization] if normalization else x


def _fourier(x: Array, axes: Sequence[int], normalization: int, forward: bool) -> Array:
    if not axes:
        return x
    y = jnp.fft.fftn(x, axes=axes) if forward else jnp.fft.ifftn(x, axes=axes, norm="forward")
    return _scaled(y, math.prod(x.shape[axis] for axis in axes), normalization)


def _fourier_of_real(x: Array, axes: Sequence[int], normalization: int, onesided: bool) -> Array:
    if not onesided:
        return _fourier(_complex(x, jnp.zeros_like(x)), axes, normalization, forward=True)
    y = jnp.fft.rfftn(_wide(x), axes=axes)
    return _scaled(y, math.prod(x.shape[axis] for axis in axes), normalization)


def _real_of_fourier(x: Array, axes: Sequence[int], normalization: int, last_size: int) -> Array:
    sizes = [*(x.shape[axis] for axis in axes[:-1]), last_size]
    return _scaled(jnp.fft.irfftn(x, sizes, axes, norm="forward"), math.prod(sizes), normalization)


RULES = {
    "aten._conj.default": jnp.conj,
    "aten._conj_physical.default": jnp.conj,
    "aten._fft_c2c.default": _fourier,
    "aten._fft_c2r.default": _real_of_fourier,
    "aten._fft_r2c.default": _fourier_of_real,
    "aten._neg_view.default": jnp.negative,
    "aten.angle.default": jnp.angle,
    "aten.complex.default": _complex,
    "aten.polar.default": _polar,
    "aten.view_as_complex.default": _of_pairs,
    "aten.view_as_real.default": _pairs,
}
