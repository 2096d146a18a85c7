"""Coordinates of chains are one linear map, whose inverse, transpose and localization are those of the map."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ortho_group

from llcray.posterior.coordinates import Block, Coordinates
from llcray.posterior.density import Posterior, make_posterior
from llcray.targets.target import Target

SHAPES = {"a": (3, 4), "b": (5,), "c": (2, 2, 3)}
BLOCKS = (Block(0, 3, 4), Block(12, 1, 5), Block(17, 4, 3))


def loss(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    return sum(jnp.sum(jnp.sin(leaf) * (1 + i)) for i, leaf in enumerate(params.values())) * x


def posterior(one_sided: bool) -> Posterior:
    rng = np.random.default_rng(0)
    params = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    made = make_posterior(Target(params, loss, np.ones(4)), 1.0, None, jnp.float64)
    assert made.layout.blocks == BLOCKS  # a convolution's last axis is its columns
    first = (None if one_sided else ortho_group.rvs(3, random_state=1), ortho_group.rvs(4, random_state=2))
    last = (ortho_group.rvs(4, random_state=3), ortho_group.rvs(3, random_state=4))
    coordinates = Coordinates(rng.uniform(0.1, 1, size=29), (first, last), (BLOCKS[0], BLOCKS[2]))
    return replace(made, coordinates=coordinates, localization=np.asarray(2.0))


@pytest.mark.parametrize("one_sided", [False, True])
def test_chains_feel_the_map_its_transpose_and_an_isotropic_localization(one_sided: bool) -> None:
    with jax.enable_x64(True):
        p = posterior(one_sided)
        assert p.coordinates is not None
        matrix = jax.vmap(p.coordinates.displacement)(jnp.eye(29)).T
        u = np.random.default_rng(1).normal(size=29)
        np.testing.assert_allclose(p.coordinates.of(matrix @ u), u, atol=1e-12)
        position = p.position_at(matrix @ u)
        np.testing.assert_allclose(position - p.center, u, atol=1e-12)
        w = p.place(position)
        np.testing.assert_allclose(w - p.center, matrix @ u, atol=1e-12)
        plain = jax.grad(lambda w: p.loss_fn(jax.tree.unflatten(p.layout.treedef, _split(w)), p.data).mean())(w)
        np.testing.assert_allclose(jax.grad(p.loss)(position), matrix.T @ plain, atol=1e-12)
        expected = 2.0 * matrix.T @ (matrix @ u)
        np.testing.assert_allclose(p.localization_gradient(position), expected, atol=1e-12)
        assert float(p.squared_distance(position)) == pytest.approx(float(jnp.sum((matrix @ u) ** 2)))


def _split(w: jax.Array) -> list[jax.Array]:
    return [w[:12].reshape(3, 4), w[12:17], w[17:].reshape(2, 2, 3)]
