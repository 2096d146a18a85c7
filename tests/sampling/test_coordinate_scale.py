"""Coordinates get scales where their curvatures differ by orders, and only there."""

import numpy as np
import pytest

from llcray.sampling.coordinate_scale import coordinate_scale, largest_scaled_curvature


def gram(scales: tuple[float, ...]) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(200, len(scales))) * np.array(scales)
    return x.T @ x


@pytest.mark.parametrize("scales", [(1000.0, 1.0, 1.0, 1.0), (30.0, 1.0, 1.0, 1.0), (1e4, 1.0, 30.0, 1.0)])
def test_units_are_undone(scales: tuple[float, ...]) -> None:
    hessian = gram(scales)
    scale = coordinate_scale(hessian, 0.1)
    assert scale is not None and scale.max() == 1.0
    np.testing.assert_allclose(scale, 1 / np.array(scales), rtol=0.5)
    assert largest_scaled_curvature(hessian, 0.1, scale) < 10 * np.diag(hessian).min()


@pytest.mark.parametrize(
    "hessian",
    [gram((1.0, 1.0, 1.0, 1.0)), gram((5.0, 1.0, 1.0, 1.0)), np.diag([1e4, 0.0, 0.0]), np.zeros((3, 3))],
    ids=["alike", "within an order", "flat coordinates", "no curvature"],
)
def test_other_models_keep_their_units(hessian: np.ndarray) -> None:
    assert coordinate_scale(hessian, 0.1) is None
