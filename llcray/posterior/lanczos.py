"""Lanczos on the Hessian of n beta L_n: its projection on a Krylov space, and its leading eigenvectors."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Float, Key

from llcray.array_types import Array
from llcray.posterior.density import Posterior

# A new Krylov vector that keeps less than this share of its length outside of the basis is rounding.
EXHAUSTED = 1e-8


def tridiagonal(
    product: Callable[[Array], Array], start: Float[Array, " d"], num_steps: int
) -> Float[Array, "num_steps num_steps"]:
    """Projects a symmetric matrix on the Krylov space of a vector; its eigenvalues are the Ritz values.

    Args:
        product: The matrix times a vector.
        start: Shape (d,); the first basis vector is `start` divided by its length.
        num_steps: Products; no more than d are made.
    """
    return krylov(product, start, num_steps)[1]


def krylov(
    product: Callable[[Array], Array], start: Float[Array, " d"], num_steps: int
) -> tuple[Float[Array, "num_steps d"], Float[Array, "num_steps num_steps"]]:
    """Returns a basis of the Krylov space of a vector and the projection, by fully reorthogonalised Lanczos.

    The arguments are those of `tridiagonal`.
    """
    num_steps = min(num_steps, start.shape[0])
    basis = jnp.zeros((num_steps, *start.shape), start.dtype)

    def step(i: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        basis, images, vector = carry
        vector = _outside(basis, vector)
        norm = jnp.linalg.norm(vector)
        vector = jnp.where(norm > 0, vector / jnp.where(norm > 0, norm, 1), 0)
        image = product(vector)
        return basis.at[i].set(vector), images.at[i].set(image), image

    basis, images, _ = jax.lax.fori_loop(0, num_steps, step, (basis, jnp.zeros_like(basis), start))
    projected = basis @ images.T
    return basis, 0.5 * (projected + projected.T)


def leading_curvatures(
    rng_key: Key[Array, ""], posterior: Posterior, rank: int
) -> tuple[Float[Array, "rank d"], Float[Array, " rank"]]:
    """Computes eigenvectors and eigenvalues of the Hessian of n beta L_n at w*, the outermost of the spectrum first.

    They are Ritz pairs of `rank` fully reorthogonalised Lanczos steps. Where the Krylov space is exhausted, because
    eigenvalues repeat, Lanczos goes on from a new random vector; with `rank` = d the pairs are exact.

    Args:
        rng_key: Key of the random vectors.
        posterior: The posterior; its localization does not enter.
        rank: Number of Hessian-vector products, at most d.

    Returns:
        Orthonormal vectors, shape (rank, d), and curvatures in 1/w^2, shape (rank,).

    Reference:
        Golub & Van Loan 2013, Matrix Computations, 10.1.
    """
    center = posterior.center
    gradient = jax.grad(lambda w: posterior.n_beta * posterior.loss(w).astype(w.dtype))

    def step(i: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        basis, images, image = carry
        fresh = jax.random.normal(jax.random.fold_in(rng_key, i), center.shape, center.dtype)
        vector, restart = _outside(basis, image), _outside(basis, fresh)
        is_exhausted = jnp.linalg.norm(vector) <= EXHAUSTED * jnp.linalg.norm(image)
        vector = jnp.where(is_exhausted, restart, vector)
        vector = _outside(basis, vector / jnp.linalg.norm(vector))
        vector = vector / jnp.linalg.norm(vector)
        image = jax.jvp(gradient, (center,), (vector,))[1]
        return basis.at[i].set(vector), images.at[i].set(image), image

    basis = jnp.zeros((rank, *center.shape), center.dtype)
    basis, images, _ = jax.lax.fori_loop(0, rank, step, (basis, jnp.zeros_like(basis), jnp.zeros_like(center)))
    projected = basis @ images.T
    curvatures, coefficients = jnp.linalg.eigh(0.5 * (projected + projected.T))
    return coefficients.T @ basis, curvatures


def _outside(basis: Float[Array, "rank d"], vector: Float[Array, " d"]) -> Float[Array, " d"]:
    """Returns the part of a vector outside of a basis; twice is enough against rounding."""
    vector = vector - basis.T @ (basis @ vector)
    return vector - basis.T @ (basis @ vector)


def whitened(
    vector: Float[Array, " d"], vectors: Float[Array, "rank d"], curvatures: Float[Array, " rank"], posterior: Posterior
) -> Float[Array, " d"]:
    """Returns A^(-1/2) times a vector, shape (d,), for A = sum_i h_i v_i v_i' + gamma I.

    Args:
        vector: Shape (d,).
        vectors: Orthonormal v_i, shape (rank, d).
        curvatures: h_i, not negative, shape (rank,).
        posterior: The posterior whose gamma it is.
    """
    narrow = jax.lax.rsqrt(curvatures + posterior.localization)
    wide = jax.lax.rsqrt(posterior.localization)
    return wide * vector + ((narrow - wide) * (vectors @ vector)) @ vectors
