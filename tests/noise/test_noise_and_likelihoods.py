"""Densities against scipy's, and each noise against its likelihood."""

import jax
import numpy as np
import pytest
from scipy import stats

from llcray.data import Task
from llcray.likelihoods import (
    CategoricalLikelihood,
    GaussianLikelihood,
    GaussianMixtureLikelihood,
    HeteroscedasticLikelihood,
    LikelihoodVariant,
    StudentTLikelihood,
)
from llcray.noise import (
    GaussianNoise,
    HeteroscedasticNoise,
    LabelFlip,
    NoiseVariant,
    NoNoise,
    OutlierNoise,
    StudentTNoise,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 3))
OUTPUTS = RNG.standard_normal((50, 2))
Y = OUTPUTS + 0.3 * RNG.standard_normal((50, 2))
NORMS = np.linalg.norm(X, axis=1, keepdims=True)


def nll(likelihood: LikelihoodVariant, outputs: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    with jax.enable_x64(True):
        return np.asarray(likelihood.nll(jax.numpy.asarray(outputs), y, likelihood.coefficients(x)))


@pytest.mark.parametrize(
    ("likelihood", "log_density"),
    [
        (GaussianLikelihood(scale=0.3), lambda e: stats.norm.logpdf(e, scale=0.3)),
        (
            HeteroscedasticLikelihood(scale=0.2, slope=0.5),
            lambda e: stats.norm.logpdf(e, scale=0.2 * (1 + 0.5 * NORMS)),
        ),
        (StudentTLikelihood(scale=0.3, degrees_of_freedom=2.5), lambda e: stats.t.logpdf(e, 2.5, scale=0.3)),
        (
            GaussianMixtureLikelihood(scale=0.1, fraction=0.2, outlier_scale=2.0),
            lambda e: np.log(0.8 * stats.norm.pdf(e, scale=0.1) + 0.2 * stats.norm.pdf(e, scale=2.0)),
        ),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_the_loss_is_the_full_normalised_negative_log_density(likelihood, log_density):
    np.testing.assert_allclose(nll(likelihood, OUTPUTS, Y, X), -log_density(Y - OUTPUTS).sum(1), rtol=1e-12)


def test_the_categorical_loss_is_minus_the_log_of_the_softmax():
    y = RNG.integers(2, size=50).astype(np.int32)
    probabilities = np.exp(OUTPUTS) / np.exp(OUTPUTS).sum(1, keepdims=True)
    expected = -np.log(probabilities[np.arange(50), y])
    np.testing.assert_allclose(nll(CategoricalLikelihood(), OUTPUTS, y, X), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "noise",
    [
        GaussianNoise(scale=0.3),
        HeteroscedasticNoise(scale=0.2, slope=1.0),
        StudentTNoise(scale=0.2, degrees_of_freedom=4.0),
        OutlierNoise(scale=0.1, fraction=0.3, outlier_scale=2.0),
    ],
    ids=lambda noise: noise.kind,
)
def test_the_likelihood_of_a_noise_is_its_own_density(noise: NoiseVariant):
    """At the true density p the score of the scale has mean zero: E[-log p(y/s)/s] is least at s = 1.

    A likelihood of another shape or scale would have its least cross-entropy elsewhere. The difference quotient over
    s = exp(+-0.05) is within 5 standard errors of the second-order remainder's zero.
    """
    rng = np.random.default_rng(1)
    x = rng.standard_normal((200_000, 2))
    errors = noise.corrupt(rng, x, np.zeros((len(x), 1)), 1)
    likelihood, zero, step = noise.likelihood("regression"), np.zeros((len(x), 1)), 0.05
    wider = nll(likelihood, zero, errors / np.exp(step), x) + step
    narrower = nll(likelihood, zero, errors * np.exp(step), x) - step
    slope = (wider - narrower) / (2 * step)
    curvature = (wider + narrower - 2 * nll(likelihood, zero, errors, x)).mean() / step**2
    assert abs(slope.mean()) < 5 * slope.std() / np.sqrt(len(x)) + step**2 * curvature
    assert curvature > 0


def test_flips_reach_every_other_class_equally_and_never_the_same():
    y = np.zeros(90_000, np.int32)
    flipped = LabelFlip(rate=0.3).corrupt(np.random.default_rng(0), y[:, None], y, 4)
    counts = np.bincount(flipped, minlength=4) / len(y)
    # Standard error of a share of 0.1: 0.001.
    np.testing.assert_allclose(counts, [0.7, 0.1, 0.1, 0.1], atol=0.006)
    assert flipped.dtype == np.int32


def test_a_larger_flip_rate_flips_a_superset():
    y = np.arange(1000, dtype=np.int32) % 10
    low, high = (LabelFlip(rate=rate).corrupt(np.random.default_rng(0), y[:, None], y, 10) for rate in (0.1, 0.4))
    assert np.array_equal(high[low != y], low[low != y]) and (high != y).sum() > (low != y).sum()


@pytest.mark.parametrize(("task", "kind"), [("regression", "gaussian"), ("classification", "categorical")])
def test_exact_labels_have_a_default_likelihood(task: Task, kind: str):
    assert getattr(NoNoise().likelihood(task), "kind") == kind  # noqa: B009
