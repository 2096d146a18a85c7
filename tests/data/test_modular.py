"""The table of modular arithmetic: right results, one split, nested ranges that share it."""

import numpy as np
import pytest
from pydantic import ValidationError

from llcray.data import Modular

RNG = np.random.default_rng(0)


def pairs(x: np.ndarray) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in x}


@pytest.mark.parametrize(("operation", "result"), [("add", 1), ("subtract", 5), ("multiply", 1), ("sum_of_squares", 0)])
def test_results_are_those_of_the_operation(operation, result):
    """3 and 5 modulo 7, but for squares modulo 17: 9 + 25 = 34."""
    modulus = 17 if operation == "sum_of_squares" else 7
    split = Modular(modulus=modulus, operation=operation, train_fraction=1.0).load(RNG)
    at = (split.train.x == [3, 5]).all(1)
    assert split.train.y[at].tolist() == [result]


def test_the_split_of_the_published_example_has_1123_and_1686_pairs():
    data = Modular(modulus=53, train_fraction=0.4)
    split = data.load(RNG)
    assert (len(split.train), len(split.test), data.size, split.num_outputs) == (1123, 1686, 1123, 53)


def test_train_and_test_are_disjoint_and_make_up_the_table():
    split = Modular(modulus=11).load(RNG)
    assert not pairs(split.train.x) & pairs(split.test.x)
    assert len(pairs(split.train.x) | pairs(split.test.x)) == 121


def test_nested_ranges_share_one_split():
    """A pair that a narrow range trains on is trained on in every wider one, and held out nowhere."""
    narrow, wide = (Modular(modulus=64, operand_range=limit).load(RNG) for limit in (16, 64))
    assert pairs(narrow.train.x) < pairs(wide.train.x)
    assert pairs(narrow.test.x) < pairs(wide.test.x)
    assert narrow.train.x.max() < 16


def test_the_split_does_not_follow_the_generator():
    one, other = (Modular(modulus=11).load(np.random.default_rng(seed)) for seed in (0, 1))
    np.testing.assert_array_equal(one.train.x, other.train.x)
    assert pairs(one.train.x) != pairs(Modular(modulus=11, split_seed=1).load(RNG).train.x)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"modulus": 8, "vocabulary": 4}, "vocabulary 4"),
        ({"modulus": 8, "operand_range": 9}, "operand_range 9"),
        ({"modulus": 2, "train_fraction": 0.25}, "leaves 1 training"),
    ],
)
def test_ranges_that_do_not_fit_are_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        Modular(**fields)
