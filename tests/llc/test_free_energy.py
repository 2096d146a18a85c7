"""Multistate reweighting against Gamma distributed losses, whose free energy is lambda log t."""

import numpy as np
import pytest
from scipy.signal import lfilter

from llcray.llc.free_energy import reweigh

N_BETAS = [10.0, 20.0, 40.0, 80.0]


def losses_of(rng: np.random.Generator, llc: float, num_draws: int = 100) -> list[np.ndarray]:
    """At inverse temperature t, t (L - L*) ~ Gamma(lambda, 1) where exp(-t L) dw has the volume epsilon^lambda."""
    return [rng.gamma(llc, size=(4, num_draws)) / t for t in N_BETAS]


def test_the_free_energy_of_a_power_of_volume_grows_with_its_exponent() -> None:
    found = reweigh(N_BETAS, losses_of(np.random.default_rng(0), 3.0))
    assert found.free_energy == pytest.approx(3.0 * np.log(np.array(N_BETAS) / 10), abs=0.2)
    assert abs(found.slope - 3.0) < 3 * found.slope_se
    assert (np.abs(found.llc - 3.0) < 3.5 * found.llc_se).all()


def test_errors_are_the_spread_over_seeds_and_smaller_than_one_temperature_alone_has() -> None:
    found = [reweigh(N_BETAS, losses_of(np.random.default_rng(seed), 3.0, 40)) for seed in range(50)]
    spread = np.std([f.llc for f in found], axis=0)
    alone = np.sqrt(3.0 / 160)
    assert np.mean([f.llc_se for f in found], axis=0) == pytest.approx(spread, rel=0.35)
    assert np.mean([f.llc_se[1] for f in found]) < alone
    assert np.std([f.slope for f in found]) == pytest.approx(np.mean([f.slope_se for f in found]), rel=0.35)


def test_errors_of_autocorrelated_chains_cover_the_answer() -> None:
    """Half the sum of two squares of normal numbers, each a chain of its own, is Gamma(1) distributed.

    Errors of few stretches are small by chance: of eight, the answers had 1.4 times their spread.
    """
    z = []
    for seed in range(100):
        noise = 0.8 * np.random.default_rng(seed).normal(size=(2, 4, 100, 2))
        noise[:, :, 0] /= 0.8
        normal = np.asarray(lfilter([1.0], [1.0, -0.6], noise, axis=2))
        squares = 0.5 * np.sum(normal**2, axis=3)
        found = reweigh(N_BETAS[:2], [series / t for series, t in zip(squares, N_BETAS, strict=False)])
        z.append((found.llc[0] - 1.0) / found.llc_se[0])
    assert np.std(z) < 1.2
    assert np.mean(np.abs(z) < 1.96) > 0.85
