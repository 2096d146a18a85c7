"""The decisions of `kind: auto`, where the right decision is known."""

import numpy as np
import pytest

from llcray.api import estimate_llc
from llcray.architectures import MLP
from llcray.data import Gaussian
from llcray.llc.step_bias import Level, Line
from llcray.llc.summary import Summary
from llcray.samplers.auto import Auto
from llcray.samplers.kernel import build_kernel
from llcray.sampling.schedules.calibration import Calibration, Stretch, draws_until_cool
from llcray.sampling.schedules.hot_burn_in import heat_misleads, share_of_smaller_batches
from llcray.sampling.schedules.production import Judgement
from llcray.sampling.schedules.requests import RunFacts
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets import RealisableTarget
from llcray.targets.build import build_target
from llcray.targets.target import Target
from llcray.validation.suite import SAMPLING, cases

NUM_DATA, NUM_PARAMS = 1000, 10


def regression(label_noise: float) -> Target:
    """Makes a least-squares target at its minimum; label noise alone makes its gradients noisy there."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_DATA, NUM_PARAMS))
    y = x @ rng.normal(size=NUM_PARAMS) + label_noise * rng.normal(size=NUM_DATA)
    w_star = np.linalg.lstsq(x, y)[0]

    def loss(w: np.ndarray, batch: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        inputs, labels = batch
        return 0.5 * (inputs @ w - labels) ** 2

    return Target(params=w_star, loss_fn=loss, data=(x, y))


def exact(target: Target, n_beta: float, localization: float) -> float:
    x, _ = target.data
    h = n_beta * np.linalg.eigvalsh(x.T @ x / NUM_DATA)
    return float(np.sum(h / (h + localization)) / 2)


@pytest.mark.parametrize(("label_noise", "wanted"), [(2.0, True), (0.0, False)])
def test_control_variates_are_chosen_where_gradients_are_noisy_at_the_center(label_noise: float, wanted: bool) -> None:
    """Without label noise gradients vanish at w*, and control variates have nothing to remove."""
    target = regression(label_noise)
    e = estimate_llc(target, "auto", seed=1)
    actions = [decision["action"] for decision in e.decisions]
    assert ("gradient: control_variate" in actions) == wanted
    assert e.verdict == "ok"
    assert abs(e.llc - exact(target, e.n_beta, e.localization)) < 3 * np.hypot(e.llc_mcse, e.step_size_bias_se)


def test_the_bias_subtracted_is_a_bounded_share_and_known_to_a_fraction_of_the_error() -> None:
    """Catches a return of the thermostat's noise, which made the heat's error larger than that of the loss."""
    e = estimate_llc(regression(0.5), "auto", seed=2)
    heat = e.draws.heat[:, e.num_warmup_draws :]
    assert abs(e.step_size_bias) < 0.25 * e.llc
    halves = np.concatenate(np.array_split(heat, 2, axis=1)).mean(axis=1)
    assert halves.std(ddof=1) / np.sqrt(len(halves)) < 0.5 * e.llc_mcse


@pytest.mark.slow
def test_wide_networks_are_trusted_and_right_without_a_number_to_set() -> None:
    """A tanh network of 9,780 parameters: 2,592 +- 4 by long cold chains. At the step that was once allowed, chains did
    not arrive within 2,837 gradients."""
    data = Gaussian(input_dimension=20, output_dimension=20, num_data=2000)
    spec = RealisableTarget(data=data, architecture=MLP(widths=(80, 80), activation="tanh"))
    sampling = SamplingSpec(until=StoppingCriteria(relative_mcse=0.02, rhat=1.05), budget=Budget(num_gradients=4000))
    e = estimate_llc(build_target(spec), "auto", seed=0, sampling=sampling)
    assert e.verdict == "ok" and e.num_gradients < 3000
    error = np.hypot(4.0, np.hypot(e.llc_mcse, e.step_size_bias_se))
    assert abs(e.llc - 2592.0) < 3 * error < 0.03 * e.llc


def test_the_error_of_the_step_size_is_that_of_the_line_and_no_fixed_share() -> None:
    """Two levels tell the factor better than it is known beforehand."""
    e = estimate_llc(regression(0.5), "auto", seed=3)
    last = [decision for decision in e.decisions if decision["action"] == "estimate"][-1]
    assert last["factor_se"] < 0.2 and abs(last["factor"] - 1) < 0.3
    assert np.hypot(e.llc_mcse, e.step_size_bias_se) == pytest.approx(last["llc_se"], rel=1e-3)
    assert e.llc == pytest.approx(last["llc"], rel=1e-3)


@pytest.mark.parametrize(("noise", "batch_size"), [(2.0, 64), (12.0, 64), (20.0, 64), (5.0, 32)])
def test_the_bias_of_smaller_batches_counts_that_hotter_chains_have_noisier_gradients(noise: float, batch_size: int):
    """Residuals of a network that interpolates come from the chains' own distance: noise is in proportion to raw.

    raw = lambda + noise/B raw. Counting the noise in proportion to 1/B alone, chains of a ReLU network whose LLC is 190
    were made so hot that raw was 1,303.
    """
    llc = 190.0

    def level(size: float) -> Level:
        raw = llc / (1 - noise / size)
        return Level(raw, 1.0, raw - llc, 1.0)

    found = share_of_smaller_batches(level(batch_size), 4)
    assert found == pytest.approx(level(batch_size / 4).bias / llc if noise < batch_size / 4 else float("inf"))


@pytest.mark.parametrize(("localization", "misleads"), [(5.0, True), (5e-3, False)])
def test_heat_predicts_no_bias_where_gamma_holds_most_directions(localization: float, misleads: bool):
    """A training on modular addition at its peak: curvature 18 on the chain, gamma 5, heat of 16 nats without noise.

    Levels at two steps: the loss sees an eighth of the heat. Taking 93%, estimates were 2 to 4% too low, and `ok`.
    """
    sampler = Auto()
    sampling = SamplingSpec(until=StoppingCriteria(relative_mcse=0.02))
    facts = RunFacts(sampler, build_kernel(sampler), sampling, localization, 1123, 4428, 2.0, 3.9)
    rng = np.random.default_rng(0)
    hot = Stretch(58.4 + rng.normal(size=(4, 96)), 15.9 + rng.normal(size=(4, 96)))
    calibration = Calibration(sampler, sampler.curvature_share / (18.0 + localization), localization)
    assert heat_misleads(hot, facts, calibration) == misleads


@pytest.mark.parametrize(
    ("levels_apart", "rhat", "is_consistent"),
    [
        (6.6, 1.01, False),
        (6.6, 1.049, False),
        (-6.6, 1.049, False),
        (6.6, 1.2, True),
        (2.0, 1.01, True),
        (float("nan"), 1.01, True),
    ],
)
def test_levels_that_refute_the_prediction_are_inconsistent_wherever_r_hat_allows_ok(
    levels_apart: float, rhat: float, is_consistent: bool
) -> None:
    """Digits of LLC 78 had 89.9, `ok`: levels 6.6 errors apart were looked at where R-hat was below 1.02 alone."""
    summary = Summary(mean=90.0, sd=9.0, mcse=1.5, rhat=rhat, ess_bulk=127, ess_tail=200)
    judgement = Judgement(summary, Line(90.0, 1.5, 1.08, 0.09), 1.08, levels_apart)
    assert judgement.is_consistent == is_consistent


@pytest.mark.parametrize(
    ("excess", "time", "wanted"),
    [(0.0, 1, 100), (40.0, 20, 100), (40.0, 30, 150), (40.0, 400, 250)],
    ids=["cool from the start", "cools in the quarter", "cools later", "still cools"],
)
def test_a_production_keeps_no_draws_of_the_time_in_which_chains_cool(excess: float, time: float, wanted: int) -> None:
    """A student of a noisy teacher was `ok` at 141.1 +- 2.3 for 132.1: its mean held the first draws of the cooling."""
    noise = 50 + np.random.default_rng(0).normal(size=(4, 400))
    assert draws_until_cool(noise + excess * np.exp(-np.arange(400) / time)) == wanted


def test_a_single_chain_has_no_spread_to_tell_cooling_by() -> None:
    assert draws_until_cool(np.linspace(90, 50, 400)[None, :]) == 100


def test_an_estimate_goes_on_until_it_has_the_effective_draws_that_a_verdict_asks_for() -> None:
    """An error of a third was met by 30 effective draws, and ended as `not_converged` with most of its budget left."""
    sampling = SamplingSpec(until=StoppingCriteria(relative_mcse=0.3, rhat=1.2), budget=Budget(num_gradients=6000))
    e = estimate_llc(regression(0.5), "auto", seed=3, sampling=sampling)
    assert e.verdict == "ok" and e.ess_bulk >= 50


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed"), [("student d=500 of a ReLU teacher", 2), ("student too small for its teacher", 1)]
)
def test_auto_is_right_where_the_loss_grows_slower_than_a_quadratic(name: str, seed: int) -> None:
    """Such losses rise by more than the heat; long HMC chains know the answers."""
    case = next(case for case in cases("networks") if case.name == name)
    e = estimate_llc(
        build_target(case.target), "auto", posterior=case.posterior, sampling=SAMPLING["networks"], seed=seed
    )
    assert e.verdict == "ok" and e.true_llc is not None
    assert abs(e.llc - e.true_llc.value) < max(0.05 * e.true_llc.value, 2 * e.llc_sampling_se)
