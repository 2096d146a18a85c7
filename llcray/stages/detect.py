"""Stages of a metric along training, after Hoogland et al. 2024 (arXiv 2402.02364, appendix B).

A Gaussian process on log(step + 1) smooths the metric; its slope's critical points are boundaries; the least
significant stage is merged until every change has z >= 3; a parametric bootstrap says how often each boundary comes
back, and where. Differences from the paper: the noise is part of the model, and merging replaces choice by eye.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np

from llcray.stages import boundaries as curves
from llcray.stages.series import Series
from llcray.stages.smoother import Smoother, fit

LEAST_Z = 3.0
LEAST_FREQUENCY = 0.8
NUM_BOOTSTRAPS = 200
ADVISED_CHECKPOINTS = 30
INTERVAL = (0.025, 0.975)

Direction = Literal["up", "down", "flat"]


@dataclass(frozen=True)
class Boundary:
    """The end of a stage and the start of the next.

    Attributes:
        step: Training step.
        step_low: Lower end of its 95% bootstrap interval.
        step_high: Upper end.
        frequency: Share of bootstraps that have it.
    """

    step: float
    step_low: float
    step_high: float
    frequency: float


@dataclass(frozen=True)
class Stage:
    """A stretch of training over which a metric goes one way.

    Attributes:
        start_step: First step.
        end_step: Last step.
        value_at_start: Smoothed metric there.
        value_at_end: Smoothed metric there.
        z: Size of the change over its standard error.
        direction: `up`, `down`, or `flat` when z is below 3.
        end: The boundary that ends it; None for the last one.
    """

    start_step: float
    end_step: float
    value_at_start: float
    value_at_end: float
    z: float
    direction: Direction
    end: Boundary | None

    @property
    def change(self) -> float:
        """How far the metric goes."""
        return self.value_at_end - self.value_at_start


def detect_stages(series: Series, num_bootstraps: int = NUM_BOOTSTRAPS, seed: int = 0) -> list[Stage]:
    """The stages of a series; a single one when nothing changes course.

    Warns:
        UserWarning: Fewer than 30 checkpoints.
    """
    if len(series) < ADVISED_CHECKPOINTS:
        warnings.warn(
            f"{len(series)} checkpoints are few to find stages in: {ADVISED_CHECKPOINTS} or more, log-spaced and "
            "linear, are advised.",
            stacklevel=2,
        )
    smoother = fit(series)
    floor = float(np.median(series.standard_errors))
    found = _inner(smoother, smoother.mean(series.values), floor)
    resampled = _bootstraps(smoother, series, floor, num_bootstraps, np.random.default_rng(seed))
    kept = [each for each in _bounded(smoother, found, resampled) if each[1].frequency >= LEAST_FREQUENCY]
    return _stages(smoother, smoother.mean(series.values), floor, kept)


def _inner(smoother: Smoother, curve: np.ndarray, floor: float) -> np.ndarray:
    return curves.merged(curve, smoother.covariance, floor, curves.candidates(curve), LEAST_Z)


def _bootstraps(
    smoother: Smoother, series: Series, floor: float, num_bootstraps: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Boundaries of series drawn from the fitted curve and its noise."""
    noise = rng.standard_normal((num_bootstraps, len(series))) * smoother.noise_sd
    return [_inner(smoother, curve, floor) for curve in smoother.mean(smoother.fitted(series.values) + noise)]


def _bounded(smoother: Smoother, found: np.ndarray, resampled: list[np.ndarray]) -> list[tuple[int, Boundary]]:
    """Boundaries with frequency and interval; one of a bootstrap belongs to the nearest one found."""
    bounded = []
    middles = (found[1:] + found[:-1]) / 2
    for index, place in enumerate(found):
        low = middles[index - 1] if index > 0 else -np.inf
        high = middles[index] if index < len(middles) else np.inf
        near = [inner[(inner > low) & (inner <= high)] for inner in resampled]
        nearest = np.array([each[np.argmin(np.abs(each - place))] for each in near if len(each)], int)
        interval = np.quantile(smoother.grid[nearest], INTERVAL) if len(nearest) else np.full(2, smoother.grid[place])
        step, step_low, step_high = (float(step) for step in np.expm1([smoother.grid[place], *interval]))
        bounded.append((int(place), Boundary(step, step_low, step_high, len(nearest) / max(len(resampled), 1))))
    return bounded


def _stages(smoother: Smoother, curve: np.ndarray, floor: float, kept: list[tuple[int, Boundary]]) -> list[Stage]:
    ends = np.array([0, *(place for place, _ in kept), len(curve) - 1])
    change, z = curves.changes(curve, smoother.covariance, floor, ends)
    steps, values = np.expm1(smoother.grid[ends]), curve[ends]
    closing = [*(boundary for _, boundary in kept), None]
    return [
        Stage(
            start_step=float(steps[index]),
            end_step=float(steps[index + 1]),
            value_at_start=float(values[index]),
            value_at_end=float(values[index + 1]),
            z=float(z[index]),
            direction="flat" if z[index] < LEAST_Z else ("up" if change[index] > 0 else "down"),
            end=closing[index],
        )
        for index in range(len(closing))
    ]
