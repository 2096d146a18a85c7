"""The total error is put together from its parts as its formula says."""

import math

import numpy as np
import pytest

from llcray.llc.errors import error_parts
from llcray.llc.localization import localization_sensitivity
from llcray.llc.summary import corrected_summary, spread_of_means, standard_error, summarize


def test_the_error_of_the_step_size_is_a_part() -> None:
    """A 3-4-5 triangle."""
    assert error_parts(3.0, 4.0, 0.0).total == pytest.approx(5.0)


def test_the_localization_is_a_part() -> None:
    parts = error_parts(12.0, 0.0, 5.0)
    assert parts.localization == pytest.approx(5.0)
    assert parts.total == pytest.approx(13.0)


def test_a_bias_nobody_can_predict_leaves_the_rest() -> None:
    assert error_parts(0.3, math.nan, math.nan).total == pytest.approx(0.3)


def test_no_monte_carlo_error_means_no_total() -> None:
    assert math.isnan(error_parts(math.nan, 0.1, 0.0).total)


def test_noise_of_a_subtracted_bias_enters_the_monte_carlo_error() -> None:
    """Two independent white series of 1 and 2: the errors add in quadrature."""
    rng = np.random.default_rng(0)
    series, bias = rng.normal(size=(64, 500)), 0.5 + 2 * rng.normal(size=(64, 500))
    summary = corrected_summary(series, bias)
    assert summary.mean == pytest.approx(series.mean() - bias.mean())
    assert summary.mcse == pytest.approx(math.sqrt(5 / series.size), rel=0.2)


def test_the_monte_carlo_error_is_no_smaller_than_chains_differ() -> None:
    """Four chains of white noise around 0, 0, 1, 1: within each chain the error is tiny."""
    rng = np.random.default_rng(3)
    series = rng.normal(size=(4, 4000)) + np.array([0.0, 0.0, 1.0, 1.0])[:, None]
    summary = corrected_summary(series, np.zeros(series.shape))
    assert summary.mcse >= series.mean(axis=1).std(ddof=1) / 2 > 0.25


@pytest.mark.parametrize(("ess", "wanted"), [(40.0, 0.094), (399.0, 0.094), (400.0, 0.0), (math.nan, 0.094)])
def test_half_chains_floor_the_error_where_effective_draws_are_few(ess: float, wanted: float) -> None:
    """Four chains that rise by 1 together: only their halves differ, by 1/2; below 100 draws a chain these count."""
    series = np.tile(np.linspace(0.0, 1.0, 1000), (4, 1))
    assert spread_of_means(series, ess) == pytest.approx(wanted, abs=1e-3)


def test_slow_chains_under_fast_noise_are_seen_by_means_over_blocks() -> None:
    """Noise of 10 hides that chains stand 1 apart from R-hat of single draws (1.005), not from that of block means."""
    rng = np.random.default_rng(4)
    series = 10 * rng.normal(size=(4, 20_000)) + np.array([-1.5, -0.5, 0.5, 1.5])[:, None]
    assert summarize(series).rhat < 1.02
    assert corrected_summary(series, np.zeros(series.shape)).rhat > 1.3


def test_the_spread_of_halves_is_the_standard_error_of_noise_that_cancels() -> None:
    """Increments of a bounded series: their mean over n draws has an error of order 1/n, not 1/sqrt(n)."""
    increments = np.diff(np.random.default_rng(1).normal(size=(200, 401)), axis=1)
    assert standard_error(increments) == pytest.approx(math.sqrt(2) / 200 / math.sqrt(400), rel=0.2)


def test_the_sensitivity_of_unrelated_series_is_zero_within_its_error() -> None:
    rng = np.random.default_rng(2)
    sensitivity = localization_sensitivity(rng.normal(size=(8, 1000)), rng.normal(size=(8, 1000)), 2.0)
    assert abs(sensitivity.value) < 4 * sensitivity.se
    assert sensitivity.se == pytest.approx(1 / math.sqrt(8000), rel=0.5)
