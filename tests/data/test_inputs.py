import numpy as np
import pytest
from pydantic import ValidationError

from llcray.data import AnisotropicGaussian, Gaussian, GaussianMixture, Manifold, StudentT, SyntheticData

NUM = 40_000


def draw(data: SyntheticData, num: int = NUM) -> np.ndarray:
    return data.inputs(np.random.default_rng(0), num)


def test_isotropic_inputs_have_unit_covariance():
    # The largest of 15 standard errors sqrt(2/n) stays within 5.
    assert np.abs(np.cov(draw(Gaussian(input_dimension=5)).T) - np.eye(5)).max() < 5 * np.sqrt(2 / NUM)


def test_variances_of_anisotropic_inputs_decay_geometrically():
    variances = draw(AnisotropicGaussian(input_dimension=6, decay=0.5)).var(0)
    np.testing.assert_allclose(variances, 0.5 ** np.arange(6), rtol=5 * np.sqrt(2 / NUM))


def test_a_mixture_lies_around_centres_on_a_sphere():
    x = draw(GaussianMixture(input_dimension=3, num_components=1, spread=20.0))
    assert np.linalg.norm(x.mean(0)) == pytest.approx(20, abs=5 * np.sqrt(3 / NUM))
    np.testing.assert_allclose(x.var(0), 1, rtol=5 * np.sqrt(2 / NUM))


def test_a_manifold_is_a_surface_of_its_latent_dimension_inside_the_cube():
    x = draw(Manifold(input_dimension=8, latent_dimension=2), 1000)
    assert np.abs(x).max() < 1
    assert np.linalg.matrix_rank(np.arctanh(x), tol=1e-6) == 2


def test_student_inputs_have_heavy_tails():
    x = draw(StudentT(input_dimension=2, degrees_of_freedom=2.0))
    # P(|t_2| > 4) = 1 - 4/sqrt(18) = 0.0572; the standard error of 80,000 is 0.0008.
    assert np.mean(np.abs(x) > 4) == pytest.approx(0.0572, abs=0.004)


def test_a_latent_space_larger_than_the_inputs_is_refused():
    with pytest.raises(ValidationError, match="latent_dimension"):
        Manifold(input_dimension=3, latent_dimension=4)
