"""Weighted draws against closed forms: normal densities whose ratio is known."""

import numpy as np
import pytest

from llcray.llc.draws import Draws
from llcray.llc.importance import Importance, resample, smooth, weigh, weighted_summary
from llcray.llc.summary import Summary, summarize
from tests.llc.test_estimate import make_draws, of

NAN = float("nan")


def draws_of(loss: np.ndarray, log_weight: np.ndarray) -> Draws:
    return make_draws(loss, n_beta=1.0)._replace(log_weight=log_weight)


def normal_draws(proposal_sd: float, num_params: int = 10, num_draws: int = 2000) -> Draws:
    """Draws of N(0, proposal_sd^2 I) for the posterior N(0, I) of the loss |w|^2/2, whose LLC is d/2."""
    z = np.random.default_rng(0).normal(size=(4, num_draws, num_params))
    squared = np.sum(z**2, axis=2)
    loss = 0.5 * proposal_sd**2 * squared
    return draws_of(loss, 0.5 * squared - loss)


def importance_of(draws: Draws) -> Importance:
    weights = weigh(draws)
    chains = summarize(resample(draws, weights).centered_loss)
    return Importance(weighted_summary(draws.centered_loss, weights, chains), weights.pareto_khat)


@pytest.mark.parametrize("proposal_sd", [1.0, 1.2, 1.5])
def test_weights_correct_a_proposal_that_is_wider_than_the_posterior(proposal_sd: float) -> None:
    draws = normal_draws(proposal_sd)
    e = importance_of(draws)
    assert e.pareto_khat < 0.5
    assert abs(e.loss.mean - 5.0) < 3 * e.loss.mcse
    assert e.loss.sd == pytest.approx(np.sqrt(5.0), rel=0.1)
    resampled = resample(draws, weigh(draws)).centered_loss
    assert abs(resampled.mean() - 5.0) < 4 * e.loss.mcse


def test_a_proposal_narrower_than_the_posterior_is_not_trusted() -> None:
    """Its weights have a heavy tail: the estimate is low by a third with an error bar that does not say so."""
    draws = normal_draws(0.6)
    e = importance_of(draws)
    assert 5.0 - e.loss.mean > 3 * e.loss.mcse
    assert e.pareto_khat > 0.7
    judged = of(resample(draws, weigh(draws)), n_beta=1.0, num_sampled_params=10, importance=e)
    assert judged.verdict == "biased_weights"
    assert judged.llc == e.loss.mean


def test_the_error_of_weighted_draws_is_their_spread_over_seeds() -> None:
    rng = np.random.default_rng(1)
    means, errors = [], []
    for _ in range(200):
        z = rng.normal(size=(4, 100))
        loss = 0.5 * 1.7**2 * z**2
        e = importance_of(draws_of(loss, 0.5 * z**2 - loss)).loss
        means.append(e.mean)
        errors.append(e.mcse)
    assert np.std(means) == pytest.approx(np.mean(errors), rel=0.15)


def test_the_mean_of_a_block_is_by_weights_where_there_are_any() -> None:
    """Progress shows this mean: without the weights, a far too wide proposal looks like a diverged chain."""
    draws = normal_draws(1.5)
    assert draws.mean_loss == pytest.approx(5.0, rel=0.1)
    assert make_draws(draws.centered_loss, n_beta=1.0).mean_loss == pytest.approx(draws.centered_loss.mean())


def test_equal_weights_are_plain_draws() -> None:
    loss = np.random.default_rng(0).gamma(3.0, size=(4, 500))
    weights = weigh(draws_of(loss, np.full(loss.shape, 7.0)))
    assert weights.pareto_khat == 0.0
    assert weights.ess == pytest.approx(2000)
    assert importance_of(draws_of(loss, np.full(loss.shape, 7.0))).loss.mean == pytest.approx(loss.mean())
    assert np.array_equal(resample(draws_of(loss, np.zeros(loss.shape)), weights).centered_loss, loss)


def test_weights_whose_largest_are_equal_are_trusted() -> None:
    """Flat directions leave the loss, and with it the weight, as they are: ArviZ fits no tail to one value."""
    loss = np.zeros((4, 100))
    loss[:, :20] = np.random.default_rng(0).gamma(3.0, size=(4, 20))
    weights = weigh(draws_of(loss, -loss))
    assert weights.pareto_khat == 0.0
    assert np.exp(weights.log).sum() == pytest.approx(1.0)


def test_draws_of_a_loss_that_is_not_finite_have_no_weight() -> None:
    draws = normal_draws(1.2)
    loss, log_weight = draws.centered_loss.copy(), draws.log_weight.copy()
    loss[0, :20], loss[1, :20] = np.inf, np.nan
    log_weight[0, :20], log_weight[1, :20] = -np.inf, np.nan
    broken = draws_of(loss, log_weight)
    e = importance_of(broken)
    assert abs(e.loss.mean - 5.0) < 3 * e.loss.mcse
    assert np.isfinite(resample(broken, weigh(broken)).centered_loss).all()


def test_weights_without_any_finite_loss_are_not_trusted() -> None:
    nan = np.full((4, 64), np.nan)
    weights = weigh(draws_of(nan, nan))
    assert weights.pareto_khat == np.inf
    assert weighted_summary(nan, weights, Summary(NAN, NAN, NAN, NAN, NAN, NAN)).mean != 0.0


@pytest.mark.parametrize("scale", [10.0, 100.0, 1000.0, 1e5])
def test_weights_that_differ_by_hundreds_of_nats_are_not_trusted(scale: float) -> None:
    """Beyond 700 nats all weights but one are zero in float64, and the tail's fit said 0.02 of weights that are NaN."""
    log_weights, khat = smooth(-scale * np.random.default_rng(0).gamma(5.0, size=256))
    assert khat > 1
    assert np.isfinite(log_weights).all()
