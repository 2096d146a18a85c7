"""Estimates with companions, end to end: several temperatures, and two step sizes."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from llcray.api import LLCEstimate, estimate_llc
from llcray.posterior.spec import PosteriorSpec
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets import QuadraticTarget, TargetSpec
from llcray.targets.build import build_target
from llcray.targets.target import Target

BUDGET = Budget(num_gradients=20_000, num_draws=4096)


def target(**spec: object) -> Target:
    return build_target(TypeAdapter(TargetSpec).validate_python(spec))


def across_temperatures(built: Target, localization: float, **settings: object) -> LLCEstimate:
    posterior = PosteriorSpec(localization=localization, temperatures=(0.25, 0.5, 2.0, 4.0))
    sampling = SamplingSpec(until=StoppingCriteria(relative_mcse=0.01, rhat=1.01), budget=BUDGET)
    return estimate_llc(built, {"kind": "auto"} | settings, posterior=posterior, sampling=sampling)


@pytest.fixture(scope="module")
def quadratic() -> Target:
    return target(kind="quadratic", num_params=10, condition_number=30.0)


@pytest.fixture(scope="module")
def of_quadratic(quadratic: Target) -> LLCEstimate:
    return across_temperatures(quadratic, 5.0)


def test_temperatures_take_the_localization_out_of_a_quadratic(of_quadratic: LLCEstimate) -> None:
    """lambda = d/2 = 5; at n beta = 145 and this gamma the flattest directions are held at half of theirs."""
    e = of_quadratic
    assert e.llc < 5.0 - 5 * e.llc_mcse  # else nothing was to be extrapolated
    assert abs(e.llc_extrapolated - 5.0) < 3 * e.llc_extrapolated_se
    assert e.llc_extrapolated_se < 1.0


@pytest.mark.parametrize(("powers", "limit"), [((1, 1), 0.5), pytest.param((0, 2), 0.25, marks=pytest.mark.slow)])
def test_temperatures_find_the_limit_of_a_normal_crossing(powers: tuple[int, int], limit: float) -> None:
    """(1, 1) has a double pole: t E[L - L*] is 0.36 at n beta = 145."""
    e = across_temperatures(target(kind="normal_crossing", powers=powers), 1.0)
    assert abs(e.llc_extrapolated - limit) < 3 * e.llc_extrapolated_se
    assert abs(e.llc_extrapolated - limit) < 0.3 * limit
    assert 1.0 <= e.multiplicity_extrapolated <= 3.0


def test_the_free_energy_of_a_quadratic_is_that_of_its_determinant(quadratic: Target) -> None:
    """-log Z(t) = 1/2 sum_i log(t h_i + gamma) + const, from exact chains at five temperatures."""
    e = across_temperatures(quadratic, 5.0, kind="hmc")
    ends = e.n_beta * np.array([0.25, 4.0])
    curvatures = np.array(QuadraticTarget(num_params=10, condition_number=30.0).spectrum())
    free_energy = [0.5 * np.sum(np.log(t * curvatures + 5.0)) for t in ends]
    slope = np.diff(free_energy)[0] / np.diff(np.log(ends))[0]
    assert e.true_llc is not None
    assert abs(e.free_energy_slope - slope) < 3.5 * e.free_energy_slope_se
    assert abs(e.llc_reweighted - e.true_llc.value) < 3.5 * e.llc_reweighted_se
    assert e.llc_reweighted_se < e.llc_mcse


def test_each_temperature_is_on_record_and_its_work_is_counted(of_quadratic: LLCEstimate, quadratic: Target) -> None:
    e = of_quadratic
    points = [decision for decision in e.decisions if decision["action"] == "temperature"]
    n_betas = [point["n_beta"] for point in points]
    np.testing.assert_allclose(sorted(n_betas), e.n_beta * np.array([0.25, 0.5, 1, 2, 4]), rtol=1e-3)
    alone = estimate_llc(quadratic, posterior=PosteriorSpec(localization=5.0))
    assert e.num_gradients > 3 * alone.num_gradients


def test_richardson_removes_the_step_size_bias_of_sgld() -> None:
    """Full gradients: the bias is a known series in epsilon, whose first term two steps cancel."""
    built = target(kind="quadratic", num_params=100, condition_number=10.0)
    sampling = SamplingSpec(
        until=StoppingCriteria(relative_mcse=0.004, rhat=1.02), budget=Budget(num_gradients=60_000), richardson=True
    )
    sampler = {"kind": "sgld", "step_size": 4e-3, "batch_size": 1000}
    e = estimate_llc(built, sampler, posterior=PosteriorSpec(localization=1.0), sampling=sampling)
    assert e.true_llc is not None
    assert e.llc - e.true_llc.value > 5 * e.llc_mcse
    assert abs(e.llc_richardson - e.true_llc.value) < 3 * e.llc_richardson_mcse
    assert e.llc_richardson_mcse < 4 * e.llc_mcse


def test_an_exact_sampler_has_nothing_to_extrapolate(quadratic: Target) -> None:
    sampling = SamplingSpec(num_warmup=20, budget=Budget(num_gradients=800), richardson=True)
    assert np.isnan(estimate_llc(quadratic, "hmc", sampling=sampling).llc_richardson)


def test_a_request_that_makes_no_sense_fails_once() -> None:
    posterior = PosteriorSpec(temperatures=(0.5, 2.0))
    with pytest.raises(ValueError, match="larger than the 200 examples"):
        built = target(kind="quadratic", num_params=4, num_data=200)
        estimate_llc(built, {"kind": "sgld", "batch_size": 400}, posterior=posterior)
