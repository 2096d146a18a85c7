"""Losses given by formulas, equal by value. All examples of a target have the same loss, but for gradient noise."""

from dataclasses import dataclass
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from llcray.array_types import PyTree


@dataclass(frozen=True)
class QuadraticLoss:
    """1/2 sum_i h_i (q_i . w)^2 + e_j . w for example j.

    Parameters are `{"w": (d,)}`, a batch is `{"gradient_noise": (batch, d)}`, without columns where there is none.

    Attributes:
        eigenvalues: h_i.
        rotation_seed: Draws the orthogonal q_i; None takes the coordinate axes.
    """

    eigenvalues: tuple[float, ...]
    rotation_seed: int | None

    def __call__(self, params: PyTree, batch: PyTree) -> jax.Array:
        """Losses of the examples of a batch."""
        w = params["w"]
        noise = jnp.asarray(batch["gradient_noise"], w.dtype)
        along = w
        if self.rotation_seed is not None:
            along = jnp.asarray(rotation(len(self.eigenvalues), self.rotation_seed), w.dtype) @ w
        common = 0.5 * jnp.sum(jnp.asarray(self.eigenvalues, w.dtype) * along**2)
        return common + noise @ w if noise.shape[1] else jnp.full(noise.shape[0], common)


@dataclass(frozen=True)
class MonomialLoss:
    """(prod_i w_i^p_i)^2; parameters `{"w": (d,)}`, batch `{"example": (batch,)}`."""

    powers: tuple[int, ...]

    def __call__(self, params: PyTree, batch: PyTree) -> jax.Array:
        """Losses of the examples of a batch."""
        w = params["w"]
        monomial = jnp.ones((), w.dtype)
        for index, power in enumerate(self.powers):
            monomial = monomial * w[index] ** power
        return jnp.full(batch["example"].shape, monomial**2)


@dataclass(frozen=True)
class EvenPowersLoss:
    """sum_i w_i^p_i; parameters `{"w": (d,)}`, batch `{"example": (batch,)}`."""

    powers: tuple[int, ...]

    def __call__(self, params: PyTree, batch: PyTree) -> jax.Array:
        """Losses of the examples of a batch."""
        w = params["w"]
        total = sum((w[index] ** power for index, power in enumerate(self.powers)), start=jnp.zeros((), w.dtype))
        return jnp.full(batch["example"].shape, total)


@cache
def rotation(size: int, seed: int) -> np.ndarray:
    """An orthogonal matrix (size, size), uniformly distributed (Stewart 1980)."""
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))
    return q * np.sign(np.diag(r))
