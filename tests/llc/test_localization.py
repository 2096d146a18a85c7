"""What the localization holds and could move, against closed forms of quadratic losses."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llcray.llc.localization import homogeneous_sensitivity, localization_sensitivity, localized
from llcray.llc.spectrum import Sensitivity, Spectrum
from llcray.llc.virial import Virial, virial_of
from llcray.posterior.lanczos import tridiagonal

CURVATURES = np.array([1e4, 100.0, 100.0, 1.0, 0.0, -1e-13])


def spectrum_of(curvatures: np.ndarray) -> Spectrum:
    return Spectrum(curvatures[None], np.ones((1, len(curvatures))), 0.0)


@pytest.mark.parametrize("gamma", [0.01, 1.0, 300.0])
def test_the_quadratic_llc_sums_the_shares_of_the_curvatures_that_gamma_leaves(gamma: float) -> None:
    """Exact for eigenvalues; flat directions count nothing, at any gamma."""
    positive = CURVATURES[CURVATURES > 0]
    spectrum = spectrum_of(CURVATURES)
    assert spectrum.llc(gamma) == (pytest.approx(0.5 * np.sum(positive / (positive + gamma))), 0.0)
    step = 1e-4
    slope = (spectrum.llc(gamma * (1 + step))[0] - spectrum.llc(gamma * (1 - step))[0]) / (2 * step)
    assert spectrum.sensitivity(gamma).value == pytest.approx(slope, rel=1e-5)
    assert spectrum.llc(gamma)[0] + spectrum.rise(gamma) == pytest.approx(2.0, abs=1e-3)


def test_noise_of_flat_directions_does_not_rise_as_gamma_falls() -> None:
    """Curvatures of mean zero count a hundred directions in the LLC at small gamma, and none in its change."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=400)
    spectrum = spectrum_of(np.concatenate([np.full(10, 1e6), noise, -noise]))
    assert spectrum.llc(1e-3)[0] > 150
    assert spectrum.rise(1e3, 1e-3) == pytest.approx(5 * 1e3 / (1e6 + 1e3), rel=1e-3)


def test_flat_directions_do_not_rise_in_a_quadrature() -> None:
    """Steps too few to tell small curvatures from none: a network with 13,601 parameters, as good as flat in most
    directions, was promised an LLC of d/2 without its localization."""
    curvatures, gamma = np.concatenate([np.geomspace(1.0, 1e4, 200), np.zeros(1800)]), 1e4 / 3000
    nodes, directions = [], []
    for start in np.random.default_rng(0).normal(size=(3, 2000)):
        with jax.enable_x64():
            values, vectors = np.linalg.eigh(tridiagonal(lambda v: curvatures * v, jnp.asarray(start), 33))
        nodes.append(values)
        directions.append(2000 * vectors[0] ** 2)
    spectrum = Spectrum(np.array(nodes), np.array(directions), 0.0)
    assert spectrum.llc(0.0)[0] > 500
    assert 0 <= spectrum.rise(gamma) <= 0.5 * np.sum(gamma / (curvatures[:200] + gamma))


def test_a_temperature_scales_the_curvatures() -> None:
    assert spectrum_of(CURVATURES).at_temperature(4.0).llc(1.0) == spectrum_of(CURVATURES / 4).llc(1.0)


def gaussian_draws(curvatures: np.ndarray, gamma: float, scale: float = 1.0) -> tuple[np.ndarray, ...]:
    """Draws of the posterior of a quadratic loss, `scale` times as wide: virial, t (L - L*), |w - w*|^2."""
    sd = scale / np.sqrt(curvatures + gamma)
    w = sd * np.random.default_rng(1).normal(size=(4, 4000, len(curvatures)))
    return np.sum((curvatures + gamma) * w**2, -1), 0.5 * np.sum(curvatures * w**2, -1), np.sum(w**2, -1)


def test_the_virial_of_a_gaussian_is_its_dimension_and_the_degree_of_a_quadratic_is_two() -> None:
    curvatures, gamma = np.array([1e4, 100.0, 100.0, 1.0, 0.0]), 10.0
    virial, raw, squared_distance = gaussian_draws(curvatures, gamma)
    found = virial_of(virial, np.full(virial.shape, np.nan), raw, squared_distance, gamma)
    assert abs(found.value - 5) < 3 * found.se < 0.2
    assert found.degree == pytest.approx(2.0)
    assert found.num_held == pytest.approx(np.sum(gamma / (curvatures + gamma)), rel=0.05)


def test_heat_is_no_part_of_the_virial() -> None:
    """Directions 10% too hot: the virial rises by a tenth of d, twice the heat."""
    curvatures = np.full(50, 100.0)
    virial, raw, squared_distance = gaussian_draws(curvatures, 1.0, np.sqrt(1.1))
    found = virial_of(virial, np.full(virial.shape, 0.5 * 0.1 * 50), raw, squared_distance, 1.0)
    assert abs(found.value - 50) < 3 * found.se


def test_a_sampler_without_gradients_has_no_virial() -> None:
    nan = np.full((4, 100), np.nan)
    found = virial_of(nan, nan, np.ones((4, 100)), np.ones((4, 100)), 2.0)
    assert np.isnan(found.value) and np.isnan(found.degree) and found.num_held == 2.0


NOISE = Sensitivity(-40.0, 50.0)
UNKNOWN = Sensitivity(float("nan"), float("nan"))


def test_a_quadratic_posterior_takes_its_sensitivity_from_the_spectrum() -> None:
    """The covariance of the draws is noise of 50 nats; the derivative is 0.0005 nats."""
    spectrum = spectrum_of(np.full(20, 1000.0))
    local = localized(spectrum, Virial(20.0, 0.1, 0.02, 2.0, 0.01), NOISE, UNKNOWN, 10.0, 0.1, 1.0)
    assert local.localization_se == pytest.approx(10 * 1000 / 1001**2)
    assert local.llc_unlocalized == pytest.approx(10.0 + 0.01, rel=1e-3)
    assert local.num_held_quadratic == pytest.approx(20 / 1001)


@pytest.mark.parametrize(
    ("degree", "num_held", "is_exempt"),
    [(2.0, 3.0, False), (2.0, 39.0, False), (2.0, 41.0, True), (0.7, 80.0, False)],
)
def test_chains_that_have_spread_in_half_of_what_gamma_holds_miss_flat_directions_only(
    degree: float, num_held: float, is_exempt: bool
) -> None:
    """Twenty stiff directions and eighty flat ones; a deep linear network with 3 of 73 read 6% low and was `ok`."""
    spectrum = spectrum_of(np.array([1e6] * 20 + [0.0] * 80))
    local = localized(spectrum, Virial(20 + num_held, 0.1, num_held, degree, 0.01), NOISE, UNKNOWN, 10.0, 0.1, 1.0)
    assert local.misses_flat_directions_only is is_exempt


def test_what_is_missing_in_stiff_directions_is_no_matter_of_flat_ones() -> None:
    """NUTS on a polygon had 7.5 +- 0.2 for 8.4, `ok`: the virial missed two and a half stiff directions of eighteen."""
    spectrum = spectrum_of(np.array([1e6] * 17 + [0.0]))
    local = localized(spectrum, Virial(15.6, 0.3, 0.9, 2.0, 0.01), NOISE, UNKNOWN, 7.6, 0.3, 1.0)
    assert np.isfinite(local.llc_unlocalized)
    assert not local.misses_flat_directions_only


@pytest.mark.parametrize(("degree", "llc"), [(0.7, 10.0), (4.0, 10.0), (2.0, 6.0)])
def test_other_posteriors_take_it_from_the_draws(degree: float, llc: float) -> None:
    spectrum = spectrum_of(np.full(20, 1000.0))
    local = localized(spectrum, Virial(20.0, 0.1, 0.02, degree, 0.01), Sensitivity(-3.0, 0.1), UNKNOWN, llc, 0.1, 1.0)
    assert local.localization_sensitivity == -3.0
    assert np.isnan(local.llc_unlocalized)


@pytest.mark.parametrize("scale", [1.0, math.sqrt(1.1)], ids=["exact", "heated"])
def test_the_variance_of_a_quadratic_loss_tells_what_gamma_moves(scale: float) -> None:
    """Four stiff directions, six that gamma half holds, and five hundred flat ones, whose distance is noise."""
    curvatures, gamma = np.array([1e4] * 4 + [100.0] * 6 + [0.0] * 500), 100.0
    shares = curvatures / (curvatures + gamma)
    _, raw, squared_distance = gaussian_draws(curvatures, gamma, scale)
    virial = virial_of(gamma * squared_distance + 2 * raw, np.zeros(raw.shape), raw, squared_distance, gamma)
    found = homogeneous_sensitivity(raw, 0.5 * shares.sum(), virial)
    measured = localization_sensitivity(raw, squared_distance, gamma)
    assert abs(found.value + 0.5 * np.sum(shares * (1 - shares))) < 3 * found.se
    assert found.se < measured.se / 2
    local = localized(None, virial, measured, found, 0.5 * shares.sum(), 0.1, gamma)
    assert local.localization_sensitivity == found.value


@pytest.mark.parametrize("degree", [0.5, 2.0, 4.0])
def test_gamma_moves_no_loss_that_it_does_not_hold(degree: float) -> None:
    """Then t L of a homogeneous loss has a gamma distribution of shape lambda, at every degree."""
    raw = np.random.default_rng(2).gamma(10.0, size=(4, 4000))
    found = homogeneous_sensitivity(raw, 10.0, Virial(510.0, 5.0, 500.0, degree, 0.02))
    assert abs(found.value) < 3 * found.se < 0.5 * degree


def test_a_virial_that_is_noise_tells_no_degree() -> None:
    """A loss of degree 0.1 in 14,000 directions: what gamma moves was told by the variance of a quadratic loss."""
    raw = np.random.default_rng(3).normal(115.0, 6.0, size=(4, 200))
    found = homogeneous_sensitivity(raw, 115.0, Virial(13_800.0, 50.0, 13_789.0, 0.1, 0.05))
    assert abs(found.value) < 5 and found.se < 3
