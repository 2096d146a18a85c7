"""Builds the toy model of superposition at a k-gon."""

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from llcray.array_types import PyTree
from llcray.jax_settings import own_settings
from llcray.likelihoods import GaussianLikelihood
from llcray.targets.superposition.truth import best_polygon, hessian_eigenvalues
from llcray.targets.target import Target, TargetFacts, TrueLLC
from llcray.training.minimize import loss_and_gradient_norm

DEAD_BIAS = -0.5
# Eigenvalues of the Hessian below this are zero; the smallest others are above 1e-3 up to 8-gons.
ZERO = 1e-9


@dataclass(frozen=True)
class SuperpositionLoss:
    """Gaussian negative log-likelihood of x - ReLU(W^T W x + b); parameters `{"W": (2, c), "b": (c,)}`."""

    noise_scale: float

    def __call__(self, params: PyTree, batch: PyTree) -> jax.Array:
        """Losses of the examples of a batch."""
        W, b = params["W"], params["b"]
        x = jnp.asarray(batch["x"], W.dtype)
        outputs = jax.nn.relu((x @ W.T) @ W + b)
        return GaussianLikelihood.nll(outputs, x, jnp.full((x.shape[0], 1), self.noise_scale, W.dtype))


def build_superposition(num_features: int, num_corners: int, noise_scale: float, num_data: int) -> Target:
    """The best regular polygon of `num_corners` corners; the other features are dead."""
    polygon = best_polygon(num_corners)
    angles = 2 * np.pi * np.arange(num_corners) / num_corners
    W, b = np.zeros((2, num_features)), np.full(num_features, DEAD_BIAS)
    W[:, :num_corners] = polygon.radius * np.stack([np.cos(angles), np.sin(angles)])
    b[:num_corners] = polygon.bias
    steps = num_data // num_features
    u = np.repeat((np.arange(steps) + 0.5) / steps, num_features)
    x = u[:, None] * np.tile(np.eye(num_features), (steps, 1))
    params, data, loss = {"W": W, "b": b}, {"x": x}, SuperpositionLoss(noise_scale)
    with own_settings(float64=True):
        at_center, gradient_norm = loss_and_gradient_norm(loss, "float64", params, data)
    return Target(
        params=params,
        loss_fn=loss,
        data=data,
        oracle=HessianRankOracle(W, b),
        facts=TargetFacts(loss_at_center=float(at_center), gradient_norm_at_center=float(gradient_norm)),
    )


@dataclass(frozen=True, eq=False)
class HessianRankOracle:
    """Half the rank of the Hessian of the population loss, where its null space is explained.

    Rotations of the polygon, and the three parameters of a dead feature, leave the loss alone; if there is no other
    flat direction, the minima near w* form a manifold across which the loss is quadratic.
    """

    W: np.ndarray
    b: np.ndarray

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues of the Hessian, ascending."""
        return hessian_eigenvalues(self.W, self.b)

    def asymptotic(self) -> TrueLLC | None:
        dead = int(np.sum(~self.W.any(0)))
        flat = int(np.sum(np.abs(self.eigenvalues) < ZERO))
        if self.eigenvalues[0] < -ZERO or flat != 1 + 3 * dead:
            return None
        value = (len(self.eigenvalues) - flat) / 2
        return TrueLLC(value, "local", "half the rank of the Hessian; Chen et al. 2023, arXiv 2310.06301", 1)

    def at_temperature(self, n_beta: float, localization: float) -> None:
        del n_beta, localization
