"""The numbers of examples that the spec of data says, which a sweep is checked against before anything is trained."""

import numpy as np
import pytest

from llcray.data import (
    Digits,
    DigitSums,
    InContextRegression,
    LabelledData,
    Modular,
    RepeatedBigrams,
    SparseFeatures,
)


@pytest.mark.parametrize(
    "data",
    [
        Digits(),
        Digits(classes=(1, 7), num_data=40, test_fraction=0.33),
        DigitSums(num_digits=1),
        DigitSums(num_digits=1, answers="sums", test_fraction=0.0),
        InContextRegression(num_data=33),
        Modular(modulus=7, train_fraction=0.4),
        Modular(modulus=7, operand_range=5),
        RepeatedBigrams(num_data=15),
        SparseFeatures(num_data=12, test_fraction=0.3),
    ],
    ids=lambda data: data.kind,
)
def test_as_many_examples_are_made_as_the_spec_says(data: LabelledData) -> None:
    split = data.load(np.random.default_rng(0))
    assert (len(split.train), len(split.test)) == (data.size, data.num_held_out)
