"""Population loss of the toy model of superposition in closed form, its k-gons and their Hessian.

With x = u e_i, u uniform on [0, 1], output j has the pre-activation a u + b_j, a = w_i . w_j, so the loss is a sum over
pairs of one-dimensional integrals. For b < 0, with h = a + b:
    G(a, b) = integral of ReLU(a u + b)^2 = h^3/(3 a) if h > 0, else 0;
    S(a, b) = integral of (u - ReLU(a u + b))^2 = 1/3 - 2 integral of u ReLU(a u + b) + G(a, b).
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from llcray.jax_settings import own_settings

# From the 1e-4 of the simplex method, quadratic convergence needs three.
NEWTON_STEPS = 6


class Polygon(NamedTuple):
    """The best regular k-gon: radius l and bias b of its corners, and the mean squared error of one such feature."""

    radius: float
    bias: float
    loss: float


def population_loss(W: Any, b: Any) -> Any:
    """Mean squared error |x - ReLU(W^T W x + b)|^2 over features and u, for biases below 0."""
    num_features = W.shape[1]
    products = W.T @ W
    biases = jnp.broadcast_to(b, products.shape)
    same = jnp.eye(num_features, dtype=bool)
    losses = jnp.where(same, _self_error(products, biases), _squared_relu(products, biases))
    return losses.sum() / num_features


@cache
def best_polygon(corners: int) -> Polygon:
    """Minimises the population loss over radius and bias: a simplex search from where it ends well, then Newton."""

    def loss(z: Any) -> Any:
        angles = 2 * jnp.pi * jnp.arange(corners) / corners
        W = z[0] * jnp.stack([jnp.cos(angles), jnp.sin(angles)])
        return population_loss(W, jnp.full(corners, z[1]))

    with own_settings(float64=True):
        value, gradient_and_hessian = jax.jit(loss), jax.jit(lambda z: (jax.grad(loss)(z), jax.hessian(loss)(z)))
        rough = minimize(lambda z: float(value(z)), np.array([1.2, -0.4]), method="Nelder-Mead")
        z = rough.x
        for _ in range(NEWTON_STEPS):
            gradient, hessian = gradient_and_hessian(z)
            z = z - np.linalg.solve(hessian, gradient)
        return Polygon(float(z[0]), float(z[1]), float(value(z)))


def hessian_eigenvalues(W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Eigenvalues, ascending, of the Hessian of the population loss in (W, b)."""
    size = W.size
    with own_settings(float64=True):
        flat = jnp.concatenate([jnp.asarray(W).reshape(-1), jnp.asarray(b)])
        hessian = jax.jit(jax.hessian(lambda z: population_loss(z[:size].reshape(W.shape), z[size:])))
        return np.linalg.eigvalsh(np.asarray(hessian(flat)))


def _squared_relu(a: Any, b: Any) -> Any:
    active = a + b > 0
    slope = jnp.where(active, a, 1.0)
    return jnp.where(active, (a + b) ** 3 / (3 * slope), 0.0)


def _self_error(a: Any, b: Any) -> Any:
    active = a + b > 0
    slope = jnp.where(active, a, 1.0)
    kink = -b / slope
    overlap = slope / 3 + b / 2 - (slope * kink**3 / 3 + b * kink**2 / 2)
    return 1 / 3 - jnp.where(active, 2 * overlap, 0.0) + _squared_relu(a, b)
