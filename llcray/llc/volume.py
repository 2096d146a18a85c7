"""The learning coefficient as the slope of log V(epsilon), the volume where the loss exceeds that at w* by less.

    V(epsilon) ~ c epsilon^lambda (-log epsilon)^(m-1),    d log V/d log epsilon -> lambda

Reference: Watanabe 2009, Algebraic Geometry and Statistical Learning Theory, theorem 7.1.
"""

import numpy as np

from llcray.llc.extrapolation import Extrapolation, extrapolate_temperature
from llcray.llc.importance import FEWEST, smooth

NUM_BATCHES = 16
"""Batches of rays that errors of slopes come from."""
MAX_KHAT = 0.7
"""k-hat of the rays' volumes above which a mean volume is not to be trusted (Vehtari et al. 2024)."""
FEWEST_RUNGS = 5
"""Rungs that an extrapolation takes at least."""
UNKNOWN = Extrapolation(float("nan"), float("nan"), float("nan"), ())


def volume_slopes(log_volumes: np.ndarray, ladder: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The slopes of log V between neighbouring rungs of a ladder of epsilon, and their standard errors.

    Errors are those of the jackknife over batches of rays.

    Args:
        log_volumes: Log of each ray's volume, shape (ray, rung).
        ladder: Values of epsilon, largest first, shape (rung,).

    Returns:
        Shape (rung - 1,) each, nats.
    """
    batches = np.array_split(log_volumes, NUM_BATCHES)
    sums = np.stack([np.logaddexp.reduce(batch, axis=0) for batch in batches])
    without = [np.logaddexp.reduce(np.delete(sums, number, axis=0), axis=0) for number in range(NUM_BATCHES)]
    steps = np.diff(np.log(ladder))
    slopes = np.diff(np.logaddexp.reduce(sums, axis=0)) / steps
    others = np.diff(np.stack(without), axis=1) / steps
    variance = (NUM_BATCHES - 1) / NUM_BATCHES * np.sum((others - others.mean(axis=0)) ** 2, axis=0)
    return slopes, np.sqrt(variance)


def extrapolate_volume(log_volumes: np.ndarray, ladder: np.ndarray, integration_error: float) -> Extrapolation:
    """The learning coefficient and its multiplicity as epsilon falls; NaN where few rays hold the smallest volumes.

    Rungs above the last one whose volume few rays hold are left out.

    Args:
        log_volumes: Log of each ray's volume, shape (chain, ray, rung).
        ladder: Values of epsilon, largest first, shape (rung,).
        integration_error: Share of a slope that the integrals along rays may be off by.
    """
    rays = log_volumes.reshape(-1, log_volumes.shape[-1])
    if len(rays) < FEWEST or not np.isfinite(rays).all():
        return UNKNOWN
    doubted = [rung for rung, volumes in enumerate(rays.T) if smooth(volumes)[1] > MAX_KHAT]
    first = doubted[-1] + 1 if doubted else 0
    if len(ladder) - first < FEWEST_RUNGS:
        return UNKNOWN
    rays, ladder = rays[:, first:], ladder[first:]
    slopes, errors = volume_slopes(rays, ladder)
    floor = integration_error * np.abs(slopes)
    return extrapolate_temperature(1 / np.sqrt(ladder[:-1] * ladder[1:]), slopes, np.hypot(errors, floor))
