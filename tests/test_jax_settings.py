"""An estimate does not depend on the caller's JAX, and leaves the caller's JAX as it was.

The cases are those where one NumPy array is seen by JAX with 64-bit types enabled and without: constants that a loss
closes over, labels of NumPy's default type, and programs that the caller compiled before or compiles afterwards.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from llcray.api import estimate_llc
from llcray.array_types import Array, PyTree
from llcray.jax_settings import each_in_own_settings
from llcray.sampling.spec import Budget, SamplingSpec
from llcray.targets.target import Target
from llcray.tracking import LLCTracker

SHORT = SamplingSpec(num_chains=2, budget=Budget(num_gradients=200, num_draws=16))
SAMPLER = {"kind": "sgld", "step_size": 1e-4, "batch_size": 16}
SCRIPT = """
import jax, numpy as np, jax.numpy as jnp
from tests.test_jax_settings import LOSSES, estimate
assert jax.config.jax_enable_x64
for make in list(LOSSES.values())[::3]:
    problem = make()
    estimate(problem)
    jax.grad(lambda params: jnp.mean(problem.loss_fn(params, problem.data)))(problem.params)
"""


class Problem(NamedTuple):
    """A loss with its parameters and data."""

    params: PyTree
    loss_fn: Callable[[Any, Any], Array]
    data: PyTree

    def mean_loss(self, params: PyTree) -> Array:
        """The mean loss, as a training differentiates it: the data are constants of the function."""
        return jnp.mean(self.loss_fn(params, self.data))


def _inputs() -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng, rng.normal(size=(64, 3)).astype(np.float32)


def int64_labels_and_optax() -> Problem:
    rng, x = _inputs()
    params = {"w": jnp.asarray(rng.normal(size=(3, 2)), jnp.float32)}

    def loss_fn(params: PyTree, batch: PyTree) -> Array:
        return optax.softmax_cross_entropy_with_integer_labels(batch[0] @ params["w"], batch[1])

    return Problem(params, loss_fn, (x, (x[:, 0] > 0).astype(np.int64)))


def int64_labels_and_a_jitted_loss() -> Problem:
    params, loss_fn, data = int64_labels_and_optax()
    return Problem(params, jax.jit(loss_fn), data)


def a_closed_over_float64_array() -> Problem:
    rng, x = _inputs()
    mean = rng.normal(size=3)

    def loss_fn(params: Array, batch: PyTree) -> Array:
        return 0.5 * ((batch[0] - mean) @ params - batch[1]) ** 2

    return Problem(jnp.zeros(3, jnp.float32), loss_fn, (x, rng.normal(size=64)))


def a_jitted_loss_that_closes_over_a_float64_array() -> Problem:
    params, loss_fn, data = a_closed_over_float64_array()
    return Problem(params, jax.jit(loss_fn), data)


def a_jitted_function_within_a_loss_that_closes_over_int64_indices() -> Problem:
    _, x = _inputs()
    columns = np.array([2, 0])
    chosen = jax.jit(lambda x: x[..., columns])

    def loss_fn(params: Array, batch: PyTree) -> Array:
        return 0.5 * (chosen(batch) @ params) ** 2

    return Problem(jnp.ones(2, jnp.float32), loss_fn, x)


LOSSES: dict[str, Callable[[], Problem]] = {
    make.__name__: make
    for make in (
        int64_labels_and_optax,
        int64_labels_and_a_jitted_loss,
        a_closed_over_float64_array,
        a_jitted_loss_that_closes_over_a_float64_array,
        a_jitted_function_within_a_loss_that_closes_over_int64_indices,
    )
}
FLAGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "debug_nans": lambda: jax.debug_nans(True),
    "debug_infs": lambda: jax.debug_infs(True),
    "strict promotion": lambda: jax.numpy_dtype_promotion("strict"),
    "rank promotion": lambda: jax.numpy_rank_promotion("raise"),
    "transfer guard": lambda: jax.transfer_guard("disallow"),
    "strict transfer guard": lambda: jax.transfer_guard("disallow_explicit"),
    "key reuse": lambda: jax.debug_key_reuse(True),
    "disabled jit": lambda: jax.disable_jit(True),
    "64-bit types": lambda: jax.enable_x64(True),
    "tracer leaks": lambda: jax.check_tracer_leaks(True),
}


def estimate(problem: Problem, sampler: Any = SAMPLER) -> np.ndarray:
    """The centered losses of a short run."""
    e = estimate_llc(Target(*problem), sampler, num_chains=2, sampling=SHORT)
    return np.asarray(e.draws.centered_loss)


def train(problem: Problem, num_steps: int = 2) -> PyTree:
    """Parameters after a few jitted steps of Adam."""
    optimiser = optax.adam(1e-2)

    @jax.jit
    def step(params: PyTree, state: Any) -> tuple[PyTree, Any]:
        updates, state = optimiser.update(jax.grad(problem.mean_loss)(params), state)
        return optax.apply_updates(params, updates), state

    params, state = problem.params, optimiser.init(problem.params)
    for _ in range(num_steps):
        params, state = step(params, state)
    return params


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_can_be_estimated_after_a_training_and_trained_after_an_estimate(name: str) -> None:
    """Draws are those of a process that never trained; the caller's gradients are those from before the estimate."""
    untrained, problem = LOSSES[name](), LOSSES[name]()
    draws = estimate(untrained)
    before, trained = jax.grad(problem.mean_loss)(problem.params), train(problem)
    np.testing.assert_array_equal(estimate(problem), draws)
    for used in (problem, untrained):
        jax.tree.map(np.testing.assert_array_equal, jax.grad(used.mean_loss)(used.params), before)
        jax.tree.map(np.testing.assert_array_equal, train(used), trained)
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(before))


def test_a_sampler_in_float64_sees_the_constants_of_a_trained_loss() -> None:
    problem = a_jitted_loss_that_closes_over_a_float64_array()
    trained = train(problem)
    estimate(problem, "hmc")
    jax.tree.map(np.testing.assert_array_equal, train(problem), trained)


def test_a_training_loop_goes_on_around_the_tracker(tmp_path: Path) -> None:
    problem = a_closed_over_float64_array()
    tracker = LLCTracker(problem.loss_fn, storage=str(tmp_path), every=2, sampler=SAMPLER, sampling=SHORT)
    params = problem.params
    for step in range(5):
        params = params - 0.1 * jax.grad(problem.mean_loss)(params)
        tracker.track(step, params, problem.data)
        assert params.dtype == jnp.float32
    assert tracker.evolution()["step"].to_list() == [0, 2, 4]


@pytest.fixture(scope="module")
def draws() -> np.ndarray:
    """The draws of a run under JAX's own settings."""
    return estimate(int64_labels_and_optax())


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_of_the_callers_changes_no_draw(flag: str, draws: np.ndarray) -> None:
    problem = int64_labels_and_optax()
    with FLAGS[flag]():
        np.testing.assert_array_equal(estimate(problem), draws)


def test_calibration_does_not_depend_on_the_callers_flags() -> None:
    problem = a_closed_over_float64_array()
    with jax.debug_nans(True), jax.numpy_dtype_promotion("strict"), jax.transfer_guard("disallow"):
        estimate(problem, "auto")


def test_everything_works_where_64_bit_types_are_enabled_from_the_environment() -> None:
    environment = {"JAX_ENABLE_X64": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_callers_settings_hold_between_the_estimates_of_a_pack() -> None:
    """A consumer that stops early, or raises, is not left with 64-bit types."""
    values = each_in_own_settings((jnp.ones(1, float).dtype for _ in range(3)), float64=True)
    assert next(values) == jnp.float64
    assert jnp.ones(1, float).dtype == jnp.float32
    assert next(values) == jnp.float64
