"""Where float32 resolves neither positions nor losses, chains live in float64; elsewhere they stay in float32."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

from llcray.api import estimate_llc
from llcray.targets.target import Target

NUM_DATA = 1000


class Case(NamedTuple):
    """A regular target and its LLC."""

    make: Callable[[], Target]
    llc: float
    word: str


def constant_of(size: float) -> Callable[[], Target]:
    return lambda: Target(np.zeros(2), lambda w, b: size + jnp.sum(w**2) + 0 * b, np.zeros(NUM_DATA))


def shifted(w: Any, b: Any) -> Any:
    return b + 0.5 * jnp.sum(w**2)


def squared_error(w: Any, b: Any) -> Any:
    return 0.5 * (b[0] @ w - b[1]) ** 2


def losses_around(mean: float, sd: float = 0.0) -> Callable[[], Target]:
    data = np.random.default_rng(0).normal(mean, sd, NUM_DATA)
    return lambda: Target(np.zeros(4), shifted, data)


def regression_with_intercept(intercept: float) -> Callable[[], Target]:
    def make() -> Target:
        rng = np.random.default_rng(0)
        x = np.column_stack([np.ones(NUM_DATA), rng.normal(size=(NUM_DATA, 3))])
        y = x @ np.array([intercept, 1.0, 1.0, -1.0]) + rng.normal(size=NUM_DATA)
        best = np.linalg.lstsq(x, y, rcond=None)[0]
        return Target(best, squared_error, (x, y))

    return make


UNRESOLVED = {
    "constant of a million": Case(constant_of(1e6), 1.0, "float32 rounds losses of 1e+06 nats"),
    "losses around a million": Case(losses_around(1e6, 1e5), 2.0, "float32 rounds losses"),
    "negative losses": Case(losses_around(-3e6), 2.0, "float32 rounds losses"),
    "intercept of a million": Case(regression_with_intercept(1e6), 2.0, "float32 has a spacing of 0.062"),
    "intercept of minus a million": Case(regression_with_intercept(-1e6), 2.0, "float32 has a spacing"),
}
RESOLVED = {
    "losses of ten thousand": Case(losses_around(1e4), 2.0, ""),
    "losses around ten thousand": Case(losses_around(1e4, 1e3), 2.0, ""),
    "intercept of a hundred": Case(regression_with_intercept(100.0), 2.0, ""),
}


@pytest.mark.parametrize("name", UNRESOLVED)
def test_what_float32_cannot_resolve_is_sampled_in_float64_and_right(name: str) -> None:
    make, llc, word = UNRESOLVED[name]
    e = estimate_llc(make(), "auto")
    [warning] = [line for line in e.record["warnings"] if "chains ran in float64" in line]
    assert warning.startswith(word)
    assert e.verdict == "ok" and abs(e.llc - llc) < 3 * e.llc_se


def test_where_float64_is_too_large_the_estimate_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of ten million parameters is lowered to none, since so large a model takes minutes."""
    monkeypatch.setattr("llcray.estimation.prepare.MAX_PARAMS", 0)
    make, llc, word = UNRESOLVED["intercept of a million"]
    e = estimate_llc(make(), "auto")
    assert e.verdict == "not_converged" and e.verdict_reason.startswith(word)
    assert [line for line in e.record["warnings"] if line.startswith(word) and "do not trust" in line]
    exact = estimate_llc(make(), "hmc")
    assert exact.verdict == "ok" and abs(exact.llc - llc) < 3 * exact.llc_se


@pytest.mark.parametrize("name", RESOLVED)
def test_ordinary_targets_stay_in_float32(name: str) -> None:
    make, llc, _ = RESOLVED[name]
    e = estimate_llc(make(), "auto")
    assert not any("float64" in line for line in e.record["warnings"])
    assert e.verdict == "ok" and abs(e.llc - llc) < 3 * e.llc_se
