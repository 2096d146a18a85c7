"""Scales of coordinates whose curvatures differ by orders, as those of a feature in other units do.

Chains that move u with w = w* + s u, s > 0 a number for each coordinate, target the same posterior of w: the
localization stays isotropic in w. With s in proportion to 1/sqrt(curvature + gamma) they need as many steps as if all
units were alike.
"""

import numpy as np

WORTHWHILE = 100.0
"""Factor by which the steps needed have to fall. Curvatures of networks spread less, and change along the chain."""
FLAT = 1e-9
"""Curvatures below this share of the largest are those of coordinates that the loss does not see."""


def coordinate_scale(hessian: np.ndarray, localization: float) -> np.ndarray | None:
    """Chooses s, shape (d,), at most 1; None where coordinates that the loss sees do not differ by orders.

    Steps needed are in proportion to the largest curvature over that of a typical coordinate, gamma included.

    Args:
        hessian: Hessian of n beta L_n at w*, shape (d, d), 1/w^2.
        localization: gamma.
    """
    diagonal = np.diag(hessian)
    seen = diagonal > FLAT * diagonal.max(initial=0.0)
    if not seen.any():
        return None
    precision = diagonal + localization
    scale = np.ones(len(diagonal))
    scale[seen] = np.sqrt(precision[seen].min() / precision[seen])
    before = largest_scaled_curvature(hessian, localization, np.ones(len(diagonal))) / np.median(precision[seen])
    after = largest_scaled_curvature(hessian, localization, scale) / np.median((scale**2 * precision)[seen])
    return scale if before > WORTHWHILE * after else None


def largest_scaled_curvature(hessian: np.ndarray, localization: float, scale: np.ndarray) -> float:
    """The largest curvature of n beta L_n + gamma/2 |w - w*|^2 along u, with `scale` of shape (d,)."""
    precision = hessian + localization * np.eye(len(scale))
    return float(np.linalg.eigvalsh(scale[:, None] * precision * scale)[-1])
