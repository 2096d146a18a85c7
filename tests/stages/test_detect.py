"""Stages are found where a curve changes course, and nowhere else, at the rates the documentation states."""

from collections.abc import Callable

import numpy as np
import pytest

from llcray.stages.changepoints import mean_shifts
from llcray.stages.detect import Stage, detect_stages
from llcray.stages.series import series_of

STEPS = np.unique(np.round(np.concatenate([np.geomspace(1, 50_000, 50), np.linspace(500, 50_000, 30)])))
X = np.log1p(STEPS)
NUM_TRIES = 40
ERROR = 2.0


def rise(center: float) -> np.ndarray:
    return 40 / (1 + np.exp(-(X - center) / 0.25))


def noisy(curve: np.ndarray, seed: int) -> list[Stage]:
    noise = ERROR * np.random.default_rng(seed).standard_normal(len(X))
    return detect_stages(series_of(STEPS, curve + noise, np.full(len(X), ERROR)), num_bootstraps=50, seed=seed)


def boundaries(curve: np.ndarray) -> list[list[float]]:
    return [[stage.end_step for stage in noisy(curve, seed)[:-1]] for seed in range(NUM_TRIES)]


@pytest.mark.parametrize("curve", [np.full_like(X, 50.0), 10 * X], ids=["flat", "ramp"])
def test_no_boundary_is_found_where_nothing_changes_course(curve: np.ndarray):
    """0 of 40: a process without a noise term finds boundaries in the noise."""
    assert boundaries(curve) == [[]] * NUM_TRIES


def test_a_staircase_of_three_rises_has_two_boundaries_on_its_landings():
    """At least 38 of 40, with an error of a twentieth of a rise; landings are at 4.5 and 7.5."""
    found = boundaries(rise(3) + rise(6) + rise(9))
    right = [len(each) == 2 and abs(np.log1p(each[0]) - 4.5) < 1 and abs(np.log1p(each[1]) - 7.5) < 1 for each in found]
    assert sum(right) >= 38


def test_a_bump_has_one_boundary_at_its_top():
    """40 of 40, within half a log step of the top at 6."""
    found = boundaries(60 * np.exp(-0.5 * ((X - 6) / 1.5) ** 2))
    assert sum(len(each) == 1 and abs(np.log1p(each[0]) - 6) < 0.5 for each in found) == NUM_TRIES


def test_intervals_cover_the_boundary_as_often_as_they_say():
    """Of 40 intervals of 95%, fewer than 33 cover with probability below 1e-3 (binomial)."""
    covered = 0
    for seed in range(NUM_TRIES):
        boundary = noisy(60 * np.exp(-0.5 * ((X - 6) / 1.5) ** 2), seed)[0].end
        assert boundary is not None
        covered += boundary.step_low <= np.expm1(6) <= boundary.step_high
    assert covered >= 33


def test_directions_and_changes_of_a_bump():
    up, down = noisy(60 * np.exp(-0.5 * ((X - 6) / 1.5) ** 2), 0)
    assert (up.direction, down.direction) == ("up", "down")
    assert up.change == pytest.approx(60, abs=3 * ERROR)


def test_values_without_errors_have_their_noise_estimated():
    """Test accuracy has no Monte Carlo error: White noise must take what the curve leaves."""
    noise = ERROR * np.random.default_rng(1).standard_normal(len(X))
    assert len(detect_stages(series_of(STEPS, 50 + noise))) == 1
    assert len(detect_stages(series_of(STEPS, 60 * np.exp(-0.5 * ((X - 6) / 1.5) ** 2) + noise))) == 2


def test_fewer_than_thirty_checkpoints_warn():
    with pytest.warns(UserWarning, match="29 checkpoints are few"):
        detect_stages(series_of(STEPS[:29], X[:29]))


def test_a_constant_series_is_one_flat_stage():
    (stage,) = detect_stages(series_of(STEPS, np.ones_like(STEPS)))
    assert stage.direction == "flat"


@pytest.mark.parametrize(
    ("steps", "said"), [([1, 2, 3, 4], "4 finite values"), ([1, 2, 3, 3, 4], "two values at one step")]
)
def test_a_series_that_is_none_is_refused(steps: list[int], said: str):
    with pytest.raises(ValueError, match=said):
        series_of(np.array(steps), np.ones(len(steps)))


@pytest.mark.parametrize(("curve", "num_shifts"), [(lambda x: 0 * x, 0), (lambda x: np.where(x > 6, 1.0, 0.0), 1)])
def test_a_mean_shift_is_found_once_and_noise_has_none(curve: Callable[[np.ndarray], np.ndarray], num_shifts: int):
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(X))
    stretches = mean_shifts(series_of(STEPS, curve(X) + noise))
    assert len(stretches) == 1 + num_shifts
    if num_shifts:
        assert stretches[1].direction == "up"
        assert np.log1p(stretches[1].start_step) == pytest.approx(6, abs=0.3)
