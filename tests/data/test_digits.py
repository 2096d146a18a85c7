import numpy as np
import pytest
from pydantic import ValidationError

from llcray.data import Digits, Split
from llcray.data.digits import NUM_IMAGES


def load(**fields) -> Split:
    return Digits(**fields).load(np.random.default_rng(0))


def test_the_digits_are_the_1797_bundled_images_split_without_overlap():
    split = load()
    assert (len(split.train), len(split.test), split.num_outputs) == (1438, 359, 10)
    assert split.train.x.shape[1:] == (8, 8, 1)
    assert split.train.x.min() >= 0 and split.train.x.max() == 1
    together = np.concatenate([split.train.y, split.test.y])
    assert tuple(np.bincount(together)) == NUM_IMAGES


def test_the_size_known_without_loading_is_the_size_loaded():
    for data in (Digits(), Digits(num_data=100), Digits(classes=(3, 8)), Digits(test_fraction=0.0)):
        assert data.size == len(data.load(np.random.default_rng(0)).train)


def test_classes_are_renumbered_in_the_order_given():
    split = load(classes=(7, 1), test_fraction=0.0)
    assert np.bincount(split.train.y).tolist() == [NUM_IMAGES[7], NUM_IMAGES[1]]


def test_standardized_pixels_have_mean_zero_and_variance_one_on_the_training_images():
    x = load(scaling="standardized").train.x.reshape(1438, 64)
    varying = x.std(0) > 0
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(x[:, varying].std(0), 1, rtol=1e-12)


@pytest.mark.parametrize("fields", [{"num_data": 1500}, {"classes": (1, 1)}, {"classes": (3,)}, {"classes": (3, 10)}])
def test_impossible_digits_are_refused(fields):
    with pytest.raises(ValidationError):
        Digits(**fields)
