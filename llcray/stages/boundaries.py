"""Boundaries of a smooth curve: critical points of its slope, merged until every change is significant."""

import numpy as np

# A local minimum of |slope| below this share of the largest is a plateau.
PLATEAU = 0.1


def candidates(curve: np.ndarray) -> np.ndarray:
    """Inner grid points at which the slope changes sign, or comes near zero without a change of sign."""
    slope = np.gradient(curve)
    size = np.abs(slope)
    turns = np.flatnonzero(np.diff(np.sign(slope)) != 0)
    turns = np.where(size[turns] <= size[turns + 1], turns, turns + 1)
    inner = size[1:-1]
    dips = 1 + np.flatnonzero((inner <= size[:-2]) & (inner < size[2:]) & (inner < PLATEAU * size.max()))
    points = np.unique(np.concatenate([turns, dips]))
    return points[(points > 0) & (points < len(curve) - 1)]


def changes(curve: np.ndarray, covariance: np.ndarray, floor: float, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Changes of the curve between neighbouring grid points of `ends`, and their z scores.

    Args:
        curve: The curve (grid,).
        covariance: Posterior covariance of the curve (grid, grid).
        floor: Standard error, in the unit of the curve, added in quadrature to that of every change.
        ends: Grid points, ascending, first and last included.
    """
    variance = np.diag(covariance)[ends]
    between = covariance[ends[:-1], ends[1:]]
    errors = np.sqrt(np.maximum(variance[:-1] + variance[1:] - 2 * between, 0) + floor**2)
    change = np.diff(curve[ends])
    scale = max(float(np.abs(curve).max()), 1.0) * 1e-12
    return change, np.abs(change) / np.maximum(errors, scale)


def merged(curve: np.ndarray, covariance: np.ndarray, floor: float, inner: np.ndarray, least_z: float) -> np.ndarray:
    """The inner boundaries that are left when the least significant stage is merged until all reach `least_z`.

    A stage between two that go the same way (a dip in a rise, a plateau) loses its steeper end, so that its neighbours
    meet at the flatter one. A stage between two that go different ways joins the less significant of them.
    """
    ends = np.concatenate([[0], inner, [len(curve) - 1]])
    while len(ends) > 2:
        change, z = changes(curve, covariance, floor, ends)
        stage = int(np.argmin(z))
        if z[stage] >= least_z:
            break
        ends = np.delete(ends, _boundary_to_drop(ends, change, z, stage, curve))
    return ends[1:-1]


def _boundary_to_drop(ends: np.ndarray, change: np.ndarray, z: np.ndarray, stage: int, curve: np.ndarray) -> int:
    if stage == 0:
        return 1
    if stage == len(z) - 1:
        return len(ends) - 2
    if np.sign(change[stage - 1]) == np.sign(change[stage + 1]):
        # Both ends of a plateau are near-critical: keep the flatter one.
        slope = np.abs(np.gradient(curve))
        return stage if slope[ends[stage]] > slope[ends[stage + 1]] else stage + 1
    return stage if z[stage - 1] <= z[stage + 1] else stage + 1
