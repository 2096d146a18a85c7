"""Array shapes in signatures are checked while tests run (see tests/conftest.py)."""

import jax
import jax.numpy as jnp
import pytest
from jaxtyping import TypeCheckError

from llcray.samplers import counter
from llcray.sampling import block


def test_an_array_of_another_shape_than_the_signature_names_is_refused() -> None:
    """Catches a check that no longer runs: a batch of keys would silently give the numbers of its first bits."""
    keys = jax.random.split(jax.random.key(0), 3)
    assert counter.normal(keys[0], 5, jnp.float32).shape == (5,)
    with pytest.raises(TypeCheckError, match="rng_key"):
        counter.normal(keys, 5, jnp.float32)
    with pytest.raises(TypeCheckError, match="offset"):
        block.project(jnp.zeros((2, 3)), 4)
