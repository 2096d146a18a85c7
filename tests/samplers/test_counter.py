"""The cheap random numbers of stochastic-gradient chains follow the laws that they stand for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from llcray.samplers import counter

NUM_KEYS, LENGTH = 256, 4096


@pytest.fixture(scope="module")
def normals() -> np.ndarray:
    """Normal numbers of 256 keys made as the engine makes them: neighbouring steps of neighbouring chains."""
    chains = jax.vmap(lambda chain: jax.random.fold_in(jax.random.key(3), chain))(jnp.arange(16))
    keys = jax.vmap(lambda key: jax.vmap(lambda step: jax.random.fold_in(key, step))(jnp.arange(16)))(chains)
    make = jax.jit(jax.vmap(lambda key: counter.normal(key, LENGTH, jnp.float32, stream=1)))
    return np.asarray(make(keys.reshape(-1)), np.float64)


def test_normal_numbers_have_the_moments_of_a_normal_law(normals: np.ndarray) -> None:
    """Each moment holds within 4 standard errors of 2^20 numbers."""
    z = normals.ravel()
    for order, moment, next_even in ((1, 0, 1), (2, 1, 3), (3, 0, 15), (4, 3, 105), (5, 0, 945), (6, 15, 10395)):
        standard_error = np.sqrt((next_even - moment**2) / z.size)
        assert abs(np.mean(z**order) - moment) < 4 * standard_error, order


def test_normal_numbers_have_the_distribution_function_of_a_normal_law(normals: np.ndarray) -> None:
    """Allowed are the documented 1e-4, half of the largest atom, and 2 times the scale of Kolmogorov's statistic."""
    z = normals.ravel()
    largest_atom = 0.4 * counter.SUM_SCALE
    assert stats.kstest(z, "norm").statistic < 1e-4 + largest_atom / 2 + 2 / np.sqrt(z.size)
    assert abs((np.abs(z) > 4).mean() - 6.1e-5) < 4 * np.sqrt(6.1e-5 / z.size)


def test_keys_coordinates_and_streams_are_uncorrelated(normals: np.ndarray) -> None:
    """Catches keys that shift one sequence. Numbers are normal: a correlation has a standard error 1/sqrt(size)."""
    between_keys = np.corrcoef(normals)[np.triu_indices(NUM_KEYS, 1)]
    assert np.abs(between_keys).max() < 5.5 / np.sqrt(LENGTH)  # of 32,640 pairs
    assert abs(between_keys.std() * np.sqrt(LENGTH) - 1) < 0.05
    for lag in (1, 2, 3, 8, 64):
        assert abs(np.mean(normals[:, lag:] * normals[:, :-lag])) < 4 / 1000
        assert abs(np.mean(normals[lag:] * normals[:-lag])) < 4 / 1000
        assert abs(np.mean((normals[:, lag:] ** 2 - 1) * (normals[:, :-lag] ** 2 - 1))) < 4 * 2 / 1000
    keys = jax.random.split(jax.random.key(5), NUM_KEYS)
    first, second = (
        np.asarray(jax.vmap(lambda key, stream=stream: counter.normal(key, LENGTH, jnp.float32, stream=stream))(keys))
        for stream in (1, 2)
    )
    assert abs(np.mean(first * second)) < 4 / 1000


def test_shifted_sequences_do_not_coincide(normals: np.ndarray) -> None:
    """Catches a hash of counter plus key, under which one chain's noise is another's, moved along."""
    spectrum = np.fft.rfft(normals[:32], axis=1)
    for first in range(8):
        cross = np.fft.irfft(spectrum[first] * np.conj(spectrum[first + 1 :]), axis=1) / LENGTH
        assert np.abs(cross).max() < 6.5 / np.sqrt(LENGTH)  # of 127,000 a row: 5.5 is usual


@pytest.mark.parametrize("below", [7, 64, 1000, 50_000])
def test_indices_are_uniform_and_independent_of_each_other(below: int) -> None:
    """Chi-square of the counts, and of pairs of neighbours by halves of the range, has p above 1e-4."""
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(below), 4096)
        drawn = np.asarray(jax.jit(jax.vmap(lambda key: counter.indices(key, 256, below)))(keys))
    assert drawn.min() == 0 and drawn.max() == below - 1
    assert stats.chisquare(np.bincount(drawn.ravel(), minlength=below)).pvalue > 1e-4
    upper = (drawn * 2 >= below).astype(int)
    expected = np.outer(np.bincount(upper.ravel()), np.bincount(upper.ravel())) / upper.size
    pairs = np.histogram2d(upper[:, 1:].ravel(), upper[:, :-1].ravel(), bins=2)[0]
    assert stats.chisquare(pairs.ravel(), (expected / expected.sum() * pairs.sum()).ravel(), ddof=1).pvalue > 1e-4
    steps = np.histogram2d(upper[1:].ravel(), upper[:-1].ravel(), bins=2)[0]
    assert stats.chisquare(steps.ravel(), (expected / expected.sum() * steps.sum()).ravel(), ddof=1).pvalue > 1e-4


def test_a_number_depends_on_its_key_and_place_alone() -> None:
    """The first numbers of a long sequence are those of a short one, alone or batched."""
    keys = jax.random.split(jax.random.key(0), 3)
    batched = jax.vmap(lambda key: counter.normal(key, 100, jnp.float32))(keys)
    np.testing.assert_array_equal(batched[1][:10], counter.normal(keys[1], 10, jnp.float32))


@pytest.mark.parametrize("below", [1, 2, 7, 64, 1000, 5003])
def test_places_of_a_permutation_are_a_permutation_and_uniform(below: int) -> None:
    """Each number once, and the first place takes each with equal frequency, and the second given the first."""
    keys = jax.random.split(jax.random.key(below), 64)
    permutations = np.asarray(jax.vmap(lambda key: counter.permuted(key, jnp.arange(below), below))(keys))
    assert (np.sort(permutations, axis=1) == np.arange(below)).all()
    if below >= 64:
        places = stats.kstest((permutations[:, ::7].ravel() + 0.5) / below, "uniform")
        steps = stats.kstest(((np.diff(permutations[:, :64], axis=1) % below).ravel() + 0.5) / below, "uniform")
        assert min(places.pvalue, steps.pvalue) > 1e-4
