"""Sampling of large models: micro-batches, chains in turn, losses on paired batches.

Truth: a linear regression is quadratic, so lambda-hat = sum of t h_i / (2 (t h_i + gamma)), h_i the Hessian's
eigenvalues (times 1/(1 - epsilon (t h_i + gamma)/4) under SGLD of step epsilon).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llcray import PosteriorSpec, SamplingSpec, Target, estimate_llc
from llcray.posterior.density import make_posterior
from llcray.sampling.spec import Budget, StoppingCriteria

RNG = np.random.default_rng(3)
N, D, GAMMA, STEP = 1000, 5, 20.0, 4e-4
X = RNG.normal(size=(N, D)) * np.array([1.0, 0.8, 0.6, 0.4, 0.3])
NOISE = RNG.normal(size=N)
# Residuals orthogonal to the inputs: w* is the minimum, and losses differ between examples there.
RESIDUALS = NOISE - X @ np.linalg.lstsq(X, NOISE, rcond=None)[0]
W = np.array([1.0, -1.0, 0.5, 2.0, 0.0])
DATA = {"x": X, "y": X @ W + RESIDUALS}
NEVER = StoppingCriteria(relative_mcse=1e-9, rhat=1.0 + 1e-9)


def loss_fn(params: Any, batch: Any) -> Any:
    return 0.5 * (batch["x"] @ params["w"] - batch["y"]) ** 2


TARGET = Target({"w": W}, loss_fn, DATA)


def estimated(num_draws: int, **settings: Any) -> Any:
    sampling = SamplingSpec(budget=Budget(num_gradients=1e6, num_draws=num_draws), until=NEVER, **settings)
    sampler = {"kind": "sgld", "step_size": STEP, "batch_size": 100, "gradient": "control_variate"}
    return estimate_llc(TARGET, sampler, posterior=PosteriorSpec(localization=GAMMA), sampling=sampling)


def test_gradients_are_accumulated_over_micro_batches():
    """Catches a mean of means of unequal batches: 100 is no multiple of 7."""
    with jax.enable_x64(True):
        whole = make_posterior(TARGET, 1.0, None, jnp.float64)
        in_parts = replace(whole, micro_batch=7)
        batch, position = jax.tree.map(lambda x: x[:100], DATA), W + 0.3
        for name in ("minibatch_loss", "loss"):
            arguments = (position, batch) if name == "minibatch_loss" else (position,)
            accumulated, exact = (jax.value_and_grad(getattr(p, name))(*arguments) for p in (in_parts, whole))
            np.testing.assert_allclose(accumulated[0], exact[0], rtol=1e-12)
            np.testing.assert_allclose(accumulated[1], exact[1], rtol=1e-10)


def test_micro_batches_and_chains_in_turn_draw_the_same(monkeypatch: pytest.MonkeyPatch):
    """Catches chains that share a key when they are done one after another, and an id that depends on memory."""
    whole = estimated(64, steps_per_draw=2)
    monkeypatch.setattr("llcray.estimation.prepare.chains_together", lambda posterior, num_chains: False)
    apart = estimated(64, steps_per_draw=2, micro_batch_size=32)
    np.testing.assert_allclose(apart.draws.centered_loss, whole.draws.centered_loss, rtol=2e-3, atol=1e-6)
    assert len(np.unique(apart.draws.centered_loss[:, -1])) == 4
    assert SamplingSpec(micro_batch_size=32).model_dump() == SamplingSpec().model_dump()


def test_a_loss_on_paired_batches_has_no_bias_and_says_what_it_is():
    """Within 3 standard errors of the exact answer; unpaired batches of 50 would add a variance 100 times that."""
    paired = estimated(2048, loss_batch_size=50, steps_per_draw=5)
    t = N / np.log(N)
    h = np.linalg.eigvalsh(X.T @ X / N)
    total = t * h + GAMMA
    exact = np.sum(0.5 * t * h / total / (1 - STEP * total / 4))
    assert abs(paired.llc - exact) < 3 * paired.llc_mcse and paired.llc_mcse < 0.1
    assert paired.record["loss_estimator"] == "paired_batch" and paired.record["num_data"] == N
    full = estimated(64, steps_per_draw=5)
    assert full.record["loss_estimator"] == "full"
    per_draw = [e.draws.num_gradients.mean() for e in (paired, full)]
    # Five steps of two gradients of 100 examples, and a third of 2 x 50, or of 1,000, examples.
    np.testing.assert_allclose(per_draw, [1 + 100 / 3000, 1 + 1 / 3], rtol=1e-5)


def half_precision_loss(params: Any, batch: Any) -> Any:
    products = batch["x"].astype(jnp.bfloat16) @ params["w"].astype(jnp.bfloat16)
    return 0.5 * (products.astype(jnp.float32) - batch["y"]) ** 2


def test_auto_is_right_with_micro_batches_paired_losses_and_a_forward_pass_in_bfloat16() -> None:
    """Truth: the quadratic's, to 3 standard errors. Catches `escaped` for the noise of paired losses."""
    sampling = SamplingSpec(
        until=StoppingCriteria(relative_mcse=0.03, rhat=1.02),
        budget=Budget(num_gradients=8000),
        loss_batch_size=100,
        micro_batch_size=32,
    )
    target = Target({"w": W}, half_precision_loss, DATA)
    e = estimate_llc(target, "auto", posterior=PosteriorSpec(localization=GAMMA), sampling=sampling)
    curvatures = N / np.log(N) * np.linalg.eigvalsh(X.T @ X / N)
    assert e.verdict == "ok", e.verdict_reason
    assert abs(e.llc - np.sum(0.5 * curvatures / (curvatures + GAMMA))) < 3 * e.llc_sampling_se


def test_auto_spends_little_on_a_point_that_is_no_minimum() -> None:
    """Catches a whole budget for `escaped`, the verdict on early checkpoints."""
    target = Target({"w": W + 0.3}, half_precision_loss, DATA)
    sampling = SamplingSpec(budget=Budget(num_gradients=8000), loss_batch_size=100, micro_batch_size=32)
    e = estimate_llc(target, "auto", posterior=PosteriorSpec(localization=GAMMA), sampling=sampling)
    assert e.verdict == "escaped" and e.llc < -5
    assert e.num_gradients < 1000


def test_samplers_that_know_the_full_loss_use_it():
    e = estimate_llc(TARGET, "hmc", sampling=SamplingSpec(loss_batch_size=50, budget=Budget(num_draws=64)))
    assert e.record["loss_estimator"] == "full"


SHARDED = """
import sys
import jax
import numpy as np
from llcray import PosteriorSpec, SamplingSpec, Target, estimate_llc
from llcray.sampling import block
from llcray.sampling.spec import Budget

if sys.argv[2] == "in turn":
    import llcray.estimation.pack
    llcray.estimation.prepare.chains_together = lambda posterior, num_chains: False
rng = np.random.default_rng(0)
first, second = rng.normal(size=(64, 256)) / 8, rng.normal(size=(256, 64)) / 16
x = rng.normal(size=(96, 64))


def loss_fn(params, batch):
    x, y = batch
    return 0.5 * ((jax.nn.relu(x @ params["first"]) @ params["second"] - y) ** 2).sum(-1)


target = Target({"first": first, "second": second}, loss_fn, (x, np.maximum(x @ first, 0) @ second))
shares = []
call = block.advance.__class__.__call__


def watched(self, static, *args):
    if self is block.advance:
        leaves = [leaf for leaf in jax.tree.leaves(args[1:3]) if leaf.size >= 2**14]
        on_first_device = sum(leaf.addressable_shards[0].data.nbytes for leaf in leaves)
        shares.append(on_first_device / sum(leaf.nbytes for leaf in leaves))
    return call(self, static, *args)


block.advance.__class__.__call__ = watched
is_auto = sys.argv[3] == "auto"
budget = Budget(num_gradients=4000) if is_auto else Budget(num_gradients=200, num_draws=64)
sampling = SamplingSpec(budget=budget, projection_dimension=2)
sampler = "auto" if is_auto else {"kind": "sgld", "step_size": 1e-5, "batch_size": 16}
posterior = PosteriorSpec(localization=10.0)
e = estimate_llc(target, sampler, component="first", posterior=posterior, sampling=sampling)
np.save(sys.argv[1], np.stack([e.draws.centered_loss, e.draws.squared_distance]))
print(len(jax.local_devices()), max(shares), e.llc, e.llc_sampling_se, e.verdict)
"""


@pytest.mark.slow
def test_parameters_are_shared_out_over_the_devices_of_a_process_and_draw_the_same(
    on_devices: Callable[..., tuple[list[str], np.ndarray]],
) -> None:
    """On eight simulated devices each holds an eighth of w*, of the chains' states, and of the frozen parameters."""
    draws, shares = [], []
    for num_devices, order in ((1, "together"), (8, "in turn")):
        (devices, share, *_), draws_there = on_devices(SHARDED, num_devices, order, "sgld")
        assert int(devices) == num_devices
        shares.append(float(share))
        draws.append(draws_there)
    assert shares == [1.0, 1 / 8]
    np.testing.assert_allclose(draws[0], draws[1], rtol=1e-3, atol=1e-4 * np.abs(draws[0]).max())


@pytest.mark.slow
def test_auto_on_parameters_that_are_shared_out_is_right(
    on_devices: Callable[..., tuple[list[str], np.ndarray]],
) -> None:
    """On eight simulated devices and on one, `ok` both, within 3 standard errors of one another."""
    found = [on_devices(SHARDED, num_devices, "in turn", "auto")[0] for num_devices in (1, 8)]
    assert [float(words[1]) for words in found] == [1.0, 1 / 8]
    assert [words[4] for words in found] == ["ok", "ok"]
    (first, first_se), (second, second_se) = ((float(words[2]), float(words[3])) for words in found)
    assert abs(first - second) < 3 * np.hypot(first_se, second_se)
