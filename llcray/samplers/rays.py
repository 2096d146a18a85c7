"""Integrals of the posterior along a ray from w*, in the logarithm of the radius."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from llcray.array_types import Array
from llcray.posterior.density import Posterior

NUM_DENSE = 1024
"""Points of the grid that integrals are taken on, between which the loss of a ray is interpolated."""
BEYOND_EDGE, BEYOND_MODE = 2.0, 6.0
"""Standard deviations of log r that the fine grid reaches beyond where the loss is one of epsilon, and its mean."""


class Ray(NamedTuple):
    """The integrals of one ray.

    Attributes:
        log_weight: log of int r^(d-1) p dr, nats.
        centered_loss: Mean of L - L* along the ray, nats.
        radius: Root mean square of r.
        log_volumes: log of int r^(d-1) 1[L - L* < epsilon] exp(-gamma/2 |w - w*|^2) dr at each epsilon, shape (rung,).
    """

    log_weight: Array
    centered_loss: Array
    radius: Array
    log_volumes: Array


def integrate_ray(
    losses: Callable[[Array], Array],
    grid: Float[Array, " coarse"],
    num_fine: int,
    num_params: int,
    squared_length: Float[Array, ""],
    posterior: Posterior,
    ladder: Float[Array, " rung"],
) -> Ray:
    """Integrates along a ray w* + r v: a coarse grid finds where the integrand is large, a fine one resolves it.

    Between points, log(L/r^2) is interpolated, which is linear in log r for a loss that is a power of r.

    Args:
        losses: L - L* at given log r.
        grid: Coarse grid of log r.
        num_fine: Points of the fine grid.
        num_params: d.
        squared_length: |v|^2.
        posterior: The posterior.
        ladder: Values of epsilon, largest first.
    """
    held = 0.5 * posterior.localization * squared_length
    dense = jnp.linspace(grid[0], grid[-1], NUM_DENSE)
    coarse = _loss_between(grid, losses(grid), dense)
    log_prior = num_params * dense - held * jnp.exp(2 * dense)
    mode, width = _mode(dense, log_prior - posterior.n_beta * coarse)
    inner, outer = (
        dense[jnp.argmax(jnp.where(coarse < epsilon, log_prior, -jnp.inf))] for epsilon in (ladder[-1], ladder[0])
    )
    fine = jnp.linspace(
        jnp.minimum(inner - BEYOND_EDGE * width, mode - BEYOND_MODE * width),
        jnp.maximum(outer + BEYOND_EDGE * width, mode + BEYOND_MODE * width),
        num_fine,
    )
    dense = jnp.linspace(fine[0], fine[-1], NUM_DENSE)
    loss = _loss_between(fine, losses(fine), dense)
    log_prior = num_params * dense - held * jnp.exp(2 * dense)
    log_density = log_prior - posterior.n_beta * loss
    share = jax.nn.softmax(log_density)
    log_spacing = jnp.log(dense[1] - dense[0])
    log_sums = jax.vmap(lambda epsilon: _log_sum_below(epsilon, loss, log_prior))(ladder)
    # Below the grid r^(d-1) is all that varies.
    log_rest = log_prior[0] - jnp.log(num_params) - 0.5 * num_params * (dense[1] - dense[0])
    return Ray(
        log_weight=jax.nn.logsumexp(log_density) + log_spacing,
        centered_loss=jnp.sum(share * loss),
        radius=jnp.sqrt(jnp.sum(share * jnp.exp(2 * dense))),
        log_volumes=jnp.logaddexp(log_sums + log_spacing, jnp.where(loss[0] < ladder, log_rest, -jnp.inf)),
    )


def _loss_between(log_radii: Array, losses: Array, dense: Array) -> Array:
    """Interpolates losses by cubics of log r in log(L/r^2), on a uniform grid; in L/r^2 near losses not above zero."""
    ratio = jnp.where(jnp.isfinite(losses), losses, jnp.finfo(losses.dtype).max ** 0.25) * jnp.exp(-2 * log_radii)
    spacing = log_radii[1] - log_radii[0]
    place = jnp.clip((dense - log_radii[0]) / spacing, 0, len(log_radii) - 1 - 1e-9)
    index = place.astype(int)
    part = place - index
    near = _four_around(ratio, index)
    is_positive = jnp.all(near > 0, axis=0)
    power_law = jnp.exp(_cubic(jnp.log(jnp.where(is_positive, near, 1.0)), part))
    return jnp.where(is_positive, power_law, _cubic(near, part)) * jnp.exp(2 * dense)


def _four_around(values: Array, index: Array) -> Array:
    """Returns the values from one before to two after each index, shape (4, index); beyond the ends they go on."""
    padded = jnp.concatenate([2 * values[:1] - values[1:2], values, 2 * values[-1:] - values[-2:-1]])
    return jnp.stack([padded[index + shift] for shift in range(4)])


def _cubic(four: Array, part: Array) -> Array:
    """Interpolates between the second and the third of four values (Catmull & Rom 1974)."""
    a, b, c, d = four
    return b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)))


def _mode(log_radii: Array, log_density: Array) -> tuple[Array, Array]:
    """Returns mean and standard deviation of log r under the density, no less than the spacing of the grid."""
    share = jax.nn.softmax(log_density)
    mean = jnp.sum(share * log_radii)
    variance = jnp.sum(share * (log_radii - mean) ** 2)
    return mean, jnp.maximum(jnp.sqrt(variance), log_radii[1] - log_radii[0])


def _log_sum_below(epsilon: Array, loss: Array, log_values: Array) -> Array:
    """Returns log of the sum over points whose loss is below epsilon; a point at the edge counts in part."""
    rise = jnp.asarray(jnp.gradient(loss))
    part = jnp.where(rise > 0, 0.5 + (epsilon - loss) / jnp.where(rise > 0, rise, 1), jnp.where(loss < epsilon, 1, 0))
    return jax.nn.logsumexp(log_values, b=jnp.clip(part, 0, 1))
