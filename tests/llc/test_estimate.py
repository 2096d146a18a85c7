"""From draws to numbers, against closed forms on synthetic series."""

import numpy as np
import pytest

from llcray.llc.burn_in import detect_burn_in
from llcray.llc.draws import Draws
from llcray.llc.estimate import Estimate, Work, estimate
from llcray.llc.step_bias import PredictedBias
from llcray.llc.summary import summarize

WORK = Work(
    num_gradients=1000.0,
    warmup_gradients=100.0,
    sampling_seconds=2.0,
    sampling_cpu_seconds=3.0,
    compile_seconds=5.0,
    num_compilations=3,
)


def make_draws(llc: np.ndarray, n_beta: float = 10.0, heat: float = 0.0) -> Draws:
    shape = llc.shape
    nan = np.full(shape, np.nan)
    return Draws(
        centered_loss=llc / n_beta,
        squared_distance=np.ones(shape),
        acceptance_rate=nan,
        energy=nan,
        energy_change=nan,
        heat=np.full(shape, heat),
        virial=nan,
        num_gradients=np.ones(shape),
        num_divergent=np.zeros(shape, int),
        projection=np.zeros((*shape, 0)),
        observables=np.zeros((*shape, 0)),
        log_weight=nan,
        log_volumes=np.zeros((*shape, 0)),
    )


def of(draws: Draws, **settings: object) -> Estimate:
    defaults = {"num_warmup_draws": 0, "n_beta": 10.0, "localization": 1.0, "num_sampled_params": 100, "work": WORK}
    return estimate(draws, **(defaults | settings))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def gamma_draws() -> np.ndarray:
    """n beta (L - L*) ~ Gamma(lambda, 1) at multiplicity one (SCIENCE)."""
    return np.random.default_rng(0).gamma(5.0, size=(4, 1000))


def test_independent_gamma_draws_give_their_mean_and_its_standard_error(gamma_draws: np.ndarray) -> None:
    e = of(make_draws(gamma_draws))
    assert e.llc == pytest.approx(gamma_draws.mean())
    assert e.llc_mcse == pytest.approx(np.sqrt(5.0 / 4000), rel=0.1)
    assert e.dispersion == pytest.approx(1.0, abs=0.1)
    assert e.rhat == pytest.approx(1.0, abs=0.01)
    assert e.verdict == "ok"


def test_autocorrelated_draws_have_the_larger_error_of_an_autoregression() -> None:
    """AR(1) with coefficient a has an integrated autocorrelation time (1 + a)/(1 - a)."""
    rng, a = np.random.default_rng(1), 0.9
    x = np.zeros((4, 20_000))
    for i in range(1, x.shape[1]):
        x[:, i] = a * x[:, i - 1] + rng.normal(size=4)
    sd = 1 / np.sqrt(1 - a**2)
    expected = sd * np.sqrt((1 + a) / (1 - a) / x.size)
    assert summarize(x).mcse == pytest.approx(expected, rel=0.1)


def test_work_normalised_variance_is_squared_error_times_cost(gamma_draws: np.ndarray) -> None:
    e = of(make_draws(gamma_draws))
    assert e.wnv_seconds == pytest.approx(e.llc_mcse**2 * 2.0)
    assert e.wnv_gradients == pytest.approx(e.llc_mcse**2 * 1000.0)
    assert e.fde_to_se1 == pytest.approx(e.wnv_gradients)
    assert e.ess_per_second == pytest.approx(e.ess_bulk / 2.0)


def test_a_dead_chain_does_not_quietly_join_the_mean(gamma_draws: np.ndarray) -> None:
    gamma_draws[2] = 5.0
    e = of(make_draws(gamma_draws))
    assert e.verdict == "not_converged"
    assert "never moved" in e.verdict_reason


def test_a_non_finite_chain_makes_the_verdict_and_stays_out_of_the_mean(gamma_draws: np.ndarray) -> None:
    rest = gamma_draws[[0, 1, 3]].mean()
    gamma_draws[2, 700:] = np.nan
    e = of(make_draws(gamma_draws))
    assert e.verdict == "diverged"
    assert e.num_failed_chains == 1
    assert e.llc == pytest.approx(rest)


def test_a_bias_is_subtracted_only_where_the_sampler_is_calibrated_for_it(gamma_draws: np.ndarray) -> None:
    raw = of(make_draws(gamma_draws, heat=0.25))
    predicted = PredictedBias(np.full(gamma_draws.shape, 0.25), 0.05)
    corrected = of(make_draws(gamma_draws, heat=0.3), step_bias=predicted)
    assert corrected.step_size_bias_se == pytest.approx(0.05) and raw.step_size_bias_se == pytest.approx(0.25)
    assert raw.llc == raw.llc_uncorrected
    assert corrected.llc == pytest.approx(raw.llc - 0.25)
    assert corrected.llc_uncorrected == raw.llc
    assert raw.step_size_bias == corrected.step_size_bias == pytest.approx(0.25)


def test_noise_of_losses_on_batches_is_no_way_down(gamma_draws: np.ndarray) -> None:
    """Catches a true minimum called `escaped` for the noise of its losses, and a way down hidden by that noise."""
    noise = np.random.default_rng(5).normal(scale=3.0, size=gamma_draws.shape)
    noisy = make_draws(gamma_draws + noise)
    assert of(noisy).verdict == "escaped"
    assert of(noisy, has_exact_losses=False).verdict == "ok"
    way_down = np.where(np.arange(gamma_draws.shape[1]) % 100 < 90, gamma_draws, -30.0)
    assert of(make_draws(way_down + noise), has_exact_losses=False).verdict == "escaped"


def test_warmup_is_never_averaged(gamma_draws: np.ndarray) -> None:
    started_far = np.concatenate([np.full((4, 100), 1e6), gamma_draws], axis=1)
    e = of(make_draws(started_far), num_warmup_draws=100)
    assert e.llc == pytest.approx(gamma_draws.mean())
    assert (e.num_draws, e.num_warmup_draws) == (1000, 100)


def test_localization_sensitivity_is_the_derivative_in_log_gamma() -> None:
    """For a quadratic, lambda = 1/2 t h/(t h + gamma): d lambda/d log gamma = -1/2 t h gamma/(t h + gamma)^2."""
    rng, t_h, gamma = np.random.default_rng(2), 3.0, 2.0
    squared_distance = rng.normal(size=(4, 200_000)) ** 2 / (t_h + gamma)
    draws = make_draws(0.5 * t_h * squared_distance)._replace(squared_distance=squared_distance)
    expected = -0.5 * t_h * gamma / (t_h + gamma) ** 2
    assert of(draws, localization=gamma).localization_sensitivity == pytest.approx(expected, rel=0.05)


def test_burn_in_is_detected_where_a_series_relaxes_and_nowhere_else() -> None:
    rng = np.random.default_rng(3)
    stationary = rng.normal(size=(4, 1000))
    relaxing = stationary + 30 * np.exp(-np.arange(1000) / 40)
    assert detect_burn_in(stationary) <= 250
    discarded = detect_burn_in(relaxing)
    assert 100 <= discarded <= 500
    assert abs(relaxing[:, discarded:].mean()) < 0.15
    assert abs(relaxing.mean()) > 1.0


def test_no_chain_left_gives_nan_and_no_crash() -> None:
    e = of(make_draws(np.full((4, 100), np.nan)))
    assert np.isnan(e.llc)
    assert e.verdict == "diverged"
