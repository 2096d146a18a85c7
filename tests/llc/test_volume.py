"""Slopes of volumes against the volumes that singular learning theory gives."""

import numpy as np
import pytest

from llcray.llc.volume import extrapolate_volume, volume_slopes

LADDER = 0.01 * 0.5 ** np.arange(8)


def rays(log_volume: np.ndarray, spread: float, num_rays: int = 512) -> np.ndarray:
    """Rays whose volumes differ by a common factor each, and by a little noise at each rung."""
    rng = np.random.default_rng(0)
    noise = spread * rng.normal(size=(num_rays, 1)) + 0.02 * rng.normal(size=(num_rays, len(log_volume)))
    return (log_volume + noise).reshape(4, -1, len(log_volume))


def test_the_slope_of_a_power_is_its_exponent() -> None:
    slopes, errors = volume_slopes(rays(3.5 * np.log(LADDER), 0.5).reshape(-1, 8), LADDER)
    assert (np.abs(slopes - 3.5) < 4 * errors).all()
    limit = extrapolate_volume(rays(3.5 * np.log(LADDER), 0.5), LADDER, 1e-3)
    assert abs(limit.llc - 3.5) < 3 * limit.se
    assert limit.se < 0.2
    assert limit.multiplicity == pytest.approx(1.0, abs=0.5)


def test_a_logarithm_is_told_from_a_power() -> None:
    """V = epsilon^(1/2) (1 - log epsilon): the volume of (w1 w2)^2, of lambda 1/2 and m = 2; the last slope is .41."""
    ladder = 0.5 ** np.arange(1, 25, 3)
    log_volume = 0.5 * np.log(ladder) + np.log(1 - np.log(ladder))
    limit = extrapolate_volume(rays(log_volume, 0.1), ladder, 1e-3)
    assert abs(limit.llc - 0.5) < 3 * limit.se
    assert limit.llc > 0.42
    assert limit.multiplicity > 1.5


def test_too_few_rays_have_no_slope() -> None:
    """A small budget leaves a few rays a chain, to which no tail can be fitted."""
    assert np.isnan(extrapolate_volume(rays(3.5 * np.log(LADDER), 0.5, num_rays=16), LADDER, 1e-3).llc)


def test_volumes_that_few_rays_hold_have_no_slope() -> None:
    assert np.isnan(extrapolate_volume(rays(3.5 * np.log(LADDER), 6.0), LADDER, 1e-3).llc)
