"""Data of sequences and of features: laid out as their papers say."""

import numpy as np
import pytest

from llcray.data import InContextRegression, RepeatedBigrams, SparseFeatures


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_labels_of_in_context_regression_are_linear_in_the_inputs_of_their_sequence():
    """Without noise, K = D pairs determine the task: solving for it predicts one more pair exactly."""
    data = InContextRegression(input_dimension=3, num_pairs=4, noise_scale=1e-9, num_data=50)
    split = data.load(rng())
    x, y = split.train.x[:, 0::2, 1:], split.train.y
    tasks = np.linalg.solve(x[:, :3], y[:, :3, None])[..., 0]
    np.testing.assert_allclose(np.einsum("nd,nd->n", x[:, 3], tasks), y[:, 3], atol=1e-5)
    np.testing.assert_array_equal(split.train.x[:, 1::2, 0], y)
    assert not split.train.x[:, 0::2, 0].any() and not split.train.x[:, 1::2, 1:].any()


def test_the_noise_of_in_context_regression_has_its_scale():
    """What least squares on many pairs leaves has variance sigma^2 (1 - D/K); 4 standard errors of 20,000 numbers."""
    data = InContextRegression(input_dimension=1, num_pairs=20, noise_scale=0.5, num_data=1000)
    split = data.load(rng())
    x, y = split.train.x[:, 0::2, 1], split.train.y
    slope = (x * y).sum(1, keepdims=True) / (x**2).sum(1, keepdims=True)
    assert ((y - slope * x) ** 2).mean() == pytest.approx(0.25 * 0.95, rel=4 * np.sqrt(2 / 20_000))


def test_bigrams_repeat_with_a_period_between_the_bounds_and_labels_come_next():
    split = RepeatedBigrams(num_data=200).load(rng())
    x, y = split.train.x, split.train.y
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    for sequence in np.concatenate([x, y[:, -1:]], axis=1):
        assert any((sequence[period:] == sequence[:-period]).all() for period in range(16, 25))


def test_half_of_the_bigrams_are_relabelled():
    """A likely successor of the chain follows in the other half: 4 standard errors of 2,000 draws."""
    data = RepeatedBigrams(num_data=2000, vocabulary=4)
    x = data.load(rng()).train.x
    chain = np.random.default_rng(0).dirichlet(np.full(4, 0.3), 4)
    likely = chain[x[:, :15], x[:, 1:16]] > 0.01
    share = likely.all(1).mean()
    assert 0.5 - 4 * np.sqrt(0.25 / 2000) < share < 0.7


def test_one_feature_is_active_and_the_label_is_the_input():
    split = SparseFeatures(num_features=5, num_data=500).load(rng())
    assert ((split.train.x > 0).sum(1) == 1).all()
    np.testing.assert_array_equal(split.train.x, split.train.y)
    assert (len(split.train), len(split.test), split.num_outputs) == (500, 100, 5)
