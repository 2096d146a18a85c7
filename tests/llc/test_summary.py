"""What is known of a chain that is still running."""

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from llcray.llc.summary import running_error, running_mean


def test_the_running_error_is_that_of_batch_means():
    mean, error = running_mean([50.0, 20.0, 9.0, 11.0, 10.0, 8.0, 12.0, 10.0])
    assert mean == pytest.approx(10.0)
    assert error == pytest.approx((8 / 3) ** 0.5 / 2)


def test_the_running_error_of_correlated_blocks_is_not_that_of_independent_ones():
    """AR(1) at 0.7: the error of a mean of many is sqrt(1.7/0.3) = 2.4 that of as many independent draws."""
    noise = np.random.default_rng(0).normal(size=(400, 400))
    blocks = lfilter([1.0], [1.0, -0.7], noise, axis=1)
    means, errors = np.array([running_mean(list(row)) for row in blocks]).T
    assert 0.8 < np.sqrt(np.mean(errors**2)) / means.std() < 1.1


def test_the_running_error_of_a_drifting_chain_is_large():
    """Its batch means differ little from one to the next, so the Monte Carlo error alone would call it good."""
    noisy = [10 + (-1) ** i * 0.5 for i in range(64)]
    drifting = [0.01 * i for i in range(64)]
    assert running_error(noisy) < 0.05
    assert running_error(drifting) > 0.3
    assert math.isnan(running_error(noisy[:3]))
