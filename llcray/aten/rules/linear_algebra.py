"""Factorizations, inverses and solutions of linear systems. Where torch also gives a factorization that it keeps for
its own gradient, or a code of success, the rule gives None."""

import jax
import jax.numpy as jnp
from jax import lax

from llcray.array_types import Array


def _transposed(x: Array) -> Array:
    return jnp.swapaxes(x, -2, -1)


def _cholesky(x: Array, upper: bool = False) -> Array:
    return jnp.linalg.cholesky(x, upper=upper)


def _cholesky_and_code(x: Array, *, upper: bool = False, check_errors: bool = False) -> tuple[Array, None]:
    del check_errors
    return _cholesky(x, upper), None


def _inverse(x: Array, *, check_errors: bool = False) -> tuple[Array, None]:
    del check_errors
    return jnp.linalg.inv(x), None


def _solve(a: Array, b: Array, *, left: bool = True, check_errors: bool = False) -> tuple[Array, None, None, None]:
    """The x of a x = b, or of x a = b; b is a vector where it lacks the last axis of a batch of a, as torch has it."""
    del check_errors
    is_vector = b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])
    b = b[..., None] if is_vector else b
    x = jnp.linalg.solve(a, b) if left else _transposed(jnp.linalg.solve(_transposed(a), _transposed(b)))
    return x[..., 0] if is_vector else x, None, None, None


def _solve_triangular(a: Array, b: Array, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Array:
    batch = jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (jnp.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))
    return lax.linalg.triangular_solve(a, b, left_side=left, lower=not upper, unit_diagonal=unitriangular)


def _old_solve_triangular(
    b: Array, a: Array, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> tuple[Array, Array]:
    system, is_upper = (_transposed(a), not upper) if transpose else (a, upper)
    return _solve_triangular(system, b, upper=is_upper, unitriangular=unitriangular), a


def _solve_by_cholesky(b: Array, factor: Array, upper: bool = False) -> Array:
    """The x of L L^T x = b."""
    lower = _transposed(factor) if upper else factor
    half = _solve_triangular(lower, b, upper=False)
    return _solve_triangular(_transposed(lower), half, upper=True)


def _inverse_by_cholesky(factor: Array, upper: bool = False) -> Array:
    one = jnp.broadcast_to(jnp.eye(factor.shape[-1], dtype=factor.dtype), factor.shape)
    return _solve_by_cholesky(one, factor, upper)


def _determinant(x: Array) -> tuple[Array, None, None]:
    return jnp.linalg.det(x), None, None


def _log_determinant(x: Array) -> tuple[Array, Array, None, None]:
    return (*jnp.linalg.slogdet(x), None, None)


def _eigh(x: Array, triangle: str = "L", compute_v: bool = True) -> tuple[Array, Array | None]:
    if not compute_v:
        return jnp.linalg.eigvalsh(x, triangle), None
    return tuple(jnp.linalg.eigh(x, triangle))


def _svd(
    x: Array, full_matrices: bool = False, compute_uv: bool = True, *, driver: str | None = None
) -> tuple[Array | None, Array, Array | None]:
    del driver
    if not compute_uv:
        return None, jnp.linalg.svd(x, compute_uv=False), None
    return tuple(jnp.linalg.svd(x, full_matrices))


def _qr(x: Array, mode: str = "reduced") -> tuple[Array | None, Array]:
    return (None, jnp.linalg.qr(x, "r")) if mode == "r" else tuple(jnp.linalg.qr(x, mode))


def _product_of_reflections(x: Array, scales: Array) -> Array:
    """The first columns of the product of Householder reflections, whose vectors stand below the diagonal of x."""
    *batch, rows, columns = x.shape
    vectors = jnp.tril(x, -1) + jnp.eye(rows, columns, dtype=x.dtype)
    product = jnp.broadcast_to(jnp.eye(rows, columns, dtype=x.dtype), (*batch, rows, columns))
    for place in reversed(range(scales.shape[-1])):
        vector = vectors[..., place, None]
        product -= scales[..., place, None, None] * vector @ (_transposed(vector) @ product)
    return product


def _pseudo_inverse(
    x: Array, *, atol: Array | None = None, rtol: Array | None = None, hermitian: bool = False
) -> Array:
    """The pseudo-inverse, with singular values of at most max(atol, rtol * the largest) as zeros."""
    largest = lax.stop_gradient(jnp.linalg.svd(x, compute_uv=False)[..., 0])
    shares = [] if rtol is None else [rtol]
    shares += [] if atol is None else [atol / largest]
    share = jnp.max(jnp.stack(jnp.broadcast_arrays(*shares)), 0) if shares else None
    return jnp.linalg.pinv(x, rtol=share, hermitian=hermitian)


RULES = {
    "aten._linalg_det.default": _determinant,
    "aten._linalg_eigh.default": _eigh,
    "aten._linalg_slogdet.default": _log_determinant,
    "aten._linalg_solve_ex.default": _solve,
    "aten._linalg_svd.default": _svd,
    "aten.cholesky.default": _cholesky,
    "aten.cholesky_inverse.default": _inverse_by_cholesky,
    "aten.cholesky_solve.default": _solve_by_cholesky,
    "aten.linalg_cholesky_ex.default": _cholesky_and_code,
    "aten.linalg_householder_product.default": _product_of_reflections,
    "aten.linalg_inv_ex.default": _inverse,
    "aten.linalg_matrix_exp.default": jax.scipy.linalg.expm,
    "aten.linalg_pinv.atol_rtol_tensor": _pseudo_inverse,
    "aten.linalg_qr.default": _qr,
    "aten.linalg_solve_triangular.default": _solve_triangular,
    "aten.triangular_solve.default": _old_solve_triangular,
}
