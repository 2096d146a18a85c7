"""Random streams named by what they draw, so that targets which share a part of their spec share its draws."""

import hashlib
from typing import Any

import numpy as np

from llcray.variant import canonical_json


def generator(name: str, seed: int, *parts: Any) -> np.random.Generator:
    """The stream `name` of a seed and of parts of a spec: the same on every worker and in every order."""
    return np.random.default_rng(_entropy(name, seed, parts))


def jax_seed(name: str, seed: int, *parts: Any) -> int:
    """Like `generator`, as a 32-bit seed for `jax.random.key`."""
    return _entropy(name, seed, parts) % 2**32


def _entropy(name: str, seed: int, parts: tuple[Any, ...]) -> int:
    text = canonical_json([name, seed, list(parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
