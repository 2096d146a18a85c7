"""Families of densities: each integrates to one, and its draws are of it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from llcray.samplers.families import make_family

FAMILIES = ("mean_field", "low_rank", "full_rank", "flow")


@pytest.mark.parametrize("name", FAMILIES)
def test_the_density_of_a_family_is_that_of_its_draws(name: str) -> None:
    """E_q[N(u; 0, I)/q(u)] = 1, at numbers far from the first ones: catches a lost determinant, or a wrong inverse."""
    family = make_family(name, 3, 1)
    q = family.parameters(family.init(jax.random.key(0), jnp.zeros(3), optax.sgd(1.0)))
    keys = jax.random.split(jax.random.key(1), len(q))
    q = {key: value + 0.3 * jax.random.normal(k, value.shape) for k, (key, value) in zip(keys, q.items(), strict=True)}
    q |= {"log_sd": q["log_sd"] + 1.5} if "log_sd" in q else {}
    draws = jax.vmap(family.sample, (0, None))(jax.random.split(jax.random.key(2), 20_000), q)
    log_q = jax.vmap(family.logdensity, (None, 0))(q, draws)
    log_p = -0.5 * jnp.sum(draws**2, axis=1) - 1.5 * jnp.log(2 * jnp.pi)
    ratio = np.exp(np.asarray(log_p - log_q))
    assert abs(ratio.mean() - 1) < 5 * ratio.std() / np.sqrt(len(ratio))
    assert ratio.std() / np.sqrt(len(ratio)) < 0.2
