"""The line through levels at two steps: closed forms of weighted least squares."""

import math

import numpy as np
import pytest

from llcray.llc.step_bias import Level, disagreement, fit_line


def test_one_level_is_corrected_by_its_prediction() -> None:
    """lambda = raw - u, with what is uncertain of u and of c in its error."""
    line = fit_line([Level(raw=120.0, raw_se=3.0, bias=20.0, bias_se=4.0)], prior_sd=0.6)
    assert line.llc == pytest.approx(100.0) and line.factor == pytest.approx(1.0)
    assert line.se == pytest.approx(math.sqrt(3**2 + 4**2 + 12**2))
    assert line.factor_se == pytest.approx(0.6)


def test_two_exact_levels_decide_whatever_was_known_before() -> None:
    """raw = 100 + 0.8 u at u = 40 and 10."""
    levels = [Level(132.0, 1e-4, 40.0, 0.0), Level(108.0, 1e-4, 10.0, 0.0)]
    line = fit_line(levels, prior_sd=0.3)
    assert line.llc == pytest.approx(100.0, abs=0.01) and line.factor == pytest.approx(0.8, abs=1e-3)
    assert line.se < 0.01


def test_levels_without_bias_are_averaged() -> None:
    """Weights are inverse variances: 1 and 1/4."""
    line = fit_line([Level(10.0, 1.0, 0.0, 0.0), Level(15.0, 2.0, 0.0, 0.0)], prior_sd=0.1)
    assert line.llc == pytest.approx(11.0) and line.se == pytest.approx(math.sqrt(0.8))


def test_the_error_of_the_line_is_the_spread_of_its_estimates() -> None:
    """Levels and factors drawn from the model: estimates scatter by the stated error, without bias."""
    rng = np.random.default_rng(0)
    estimates, errors = [], []
    for _ in range(2000):
        factor = rng.normal(1.0, 0.1)
        levels = [Level(50 + factor * u + rng.normal(0, se), se, u, 0.0) for u, se in ((30.0, 2.0), (8.0, 1.0))]
        line = fit_line(levels, prior_sd=0.1)
        estimates.append(line.llc)
        errors.append(line.se)
    assert abs(np.mean(estimates) - 50) < 4 * np.std(estimates) / math.sqrt(len(estimates))
    assert np.std(estimates) == pytest.approx(np.mean(errors), rel=0.06)


def test_disagreement_counts_standard_errors_between_levels_and_prediction() -> None:
    hot, cold = Level(150.0, 3.0, 20.0, 0.0), Level(120.0, 4.0, 10.0, 0.0)  # c = 3 +- 0.5
    assert disagreement(hot, cold, prior_sd=0.0) == pytest.approx(4.0)
    assert disagreement(hot, cold, prior_sd=math.sqrt(0.75)) == pytest.approx(2.0)
    assert disagreement(hot, hot, prior_sd=0.1) == 0.0
