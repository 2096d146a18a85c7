"""Contracts of the engine: what is compiled, what a run's randomness depends on, what happens to broken chains."""

from pathlib import Path

import jax
import numpy as np
import pytest
from pydantic import TypeAdapter

from llcray.api import estimate_llc
from llcray.estimation.pack import estimate_requests
from llcray.estimation.request import EstimateRequest
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import HMC, SGLD, SamplerVariant
from llcray.sampling import program
from llcray.sampling.program import compilations
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets import TargetSpec
from llcray.targets.build import build_target
from llcray.targets.target import Target

SHORT = SamplingSpec(
    num_chains=2, budget=Budget(num_gradients=400, num_draws=256), num_warmup=20, until=StoppingCriteria(rhat=1.0001)
)


@pytest.fixture(scope="module")
def target() -> Target:
    spec = {"kind": "quadratic", "num_params": 8, "condition_number": 4.0, "num_data": 200}
    return build_target(TypeAdapter(TargetSpec).validate_python(spec))


def request(sampler: SamplerVariant, seed: int = 1) -> EstimateRequest:
    return EstimateRequest(sampler, PosteriorSpec(localization=1.0), SHORT, seed)


def losses(target: Target, requests: list[EstimateRequest]) -> list[np.ndarray]:
    results = dict(estimate_requests(target, requests))
    return [results[i].sampled.draws.centered_loss for i in range(len(requests))]


def test_sweeping_a_step_size_compiles_once(target: Target) -> None:
    losses(target, [request(SGLD(step_size=1e-3, batch_size=50))])
    before = compilations.count
    for step_size in (2e-3, 3e-3, 4e-3):
        losses(target, [request(SGLD(step_size=step_size, batch_size=50))])
    assert compilations.count == before


def test_targets_of_one_signature_share_programs() -> None:
    def build(seed: int) -> Target:
        spec = {"kind": "deep_linear", "widths": [3, 3, 2], "rank": 1, "num_data": 64, "seed": seed}
        return build_target(TypeAdapter(TargetSpec).validate_python(spec))

    losses(build(0), [request(SGLD(batch_size=16))])
    before = compilations.count
    losses(build(1), [request(SGLD(batch_size=16))])
    assert compilations.count == before


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="memory maps are counted on Linux")
def test_programs_are_forgotten_before_their_memory_maps_run_out(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without that, a process dies in the compiler after some seventy compile signatures."""
    sampler = request(SGLD(step_size=1e-3, batch_size=50))
    [first] = losses(target, [sampler])
    before = compilations.count
    monkeypatch.setattr(program, "MAPS_SHARE", 0.0)
    [second] = losses(target, [sampler])
    assert compilations.count > before
    np.testing.assert_array_equal(first, second)


def test_a_run_draws_the_same_alone_and_in_a_pack(target: Target) -> None:
    sampler = SGLD(step_size=1e-3, batch_size=50)
    [alone] = losses(target, [request(sampler, seed=7)])
    _, packed, _ = losses(target, [request(sampler, seed) for seed in (6, 7, 8)])
    shorter = min(alone.shape[1], packed.shape[1])
    np.testing.assert_allclose(alone[:, :shorter], packed[:, :shorter], rtol=1e-4)


def test_equal_seeds_give_equal_draws_and_others_do_not(target: Target) -> None:
    [first] = losses(target, [request(SGLD(batch_size=50), seed=3)])
    [again] = losses(target, [request(SGLD(batch_size=50), seed=3)])
    [other] = losses(target, [request(SGLD(batch_size=50), seed=4)])
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_stochastic_gradient_chains_are_float32_and_metropolis_chains_float64(target: Target) -> None:
    assert SGLD.precision == "float32"
    assert HMC.precision == "float64"
    e = estimate_llc(target, HMC(), sampling=SHORT, num_chains=2)
    fine = e.draws.centered_loss * 2**30
    assert not np.array_equal(np.float32(fine), fine)


def test_the_callers_precision_setting_is_left_alone(target: Target) -> None:
    assert jax.numpy.ones(1).dtype == np.float32
    estimate_llc(target, SGLD(batch_size=50), sampling=SHORT, num_chains=2)
    assert jax.numpy.ones(1).dtype == np.float32


def test_a_chain_that_blows_up_is_reported_and_not_averaged(target: Target) -> None:
    e = estimate_llc(target, SGLD(step_size=10.0, batch_size=50), sampling=SHORT, num_chains=2)
    assert e.verdict == "diverged"
    assert e.num_failed_chains == 2
    assert np.isnan(e.llc)


def test_work_counts_every_chain_warmup_and_loss_evaluation(target: Target) -> None:
    """num_warmup x L gradients of adaptation a chain, then L a draw; HMC's losses come free."""
    sampler = HMC(num_integration_steps=3)
    e = estimate_llc(target, sampler, sampling=SHORT, num_chains=2)
    assert e.num_gradients == 2 * (20 * 3 + 3 * e.draws.num_draws)
    sgld = estimate_llc(target, SGLD(batch_size=50), sampling=SHORT, num_chains=2)
    per_draw = 2 * (4 * 50 / 200 + 1 / 3)
    assert sgld.num_gradients == pytest.approx(per_draw * sgld.draws.num_draws, rel=1e-5)


def test_projections_have_the_spread_of_the_posterior() -> None:
    """An isotropic normal posterior of variance v gives projections of variance v in every direction."""
    spec = {"kind": "quadratic", "num_params": 20, "num_data": 1000}
    isotropic = build_target(TypeAdapter(TargetSpec).validate_python(spec))
    sampling = SamplingSpec(projection_dimension=3, budget=Budget(num_gradients=20_000))
    e = estimate_llc(isotropic, HMC(), posterior=PosteriorSpec(localization=1.0), sampling=sampling)
    kept = e.draws.projection[:, e.num_warmup_draws :]
    assert kept.shape[2] == 3
    np.testing.assert_allclose(kept.var(axis=(0, 1)) * (e.n_beta + 1.0), 1.0, atol=0.25)
