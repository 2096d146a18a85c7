"""Stages of a metric along training, after Hoogland et al. 2024 (arXiv 2402.02364, appendix B).

A Gaussian process on log(step + 1) smooths the metric. The critical points of its slope are candidate boundaries, of
which the least significant are removed until every change has z >= 3. A parametric bootstrap tells how often each
boundary comes back, and where. Unlike the paper, noise is part of the model, and merging replaces a choice by eye.
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
        step_low: Lower end of the 95% bootstrap interval of the step.
        step_high: Upper end of that interval.
        frequency: Share of the bootstraps that have the boundary.
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
        value_at_start: Smoothed metric at the first step.
        value_at_end: Smoothed metric at the last step.
        z: Size of the change over the standard error of the change.
        direction: `up`, `down`, or `flat` when z is below 3.
        end: The boundary that ends the stage; None for the last stage.
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
        """Change of the smoothed metric over the stage."""
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
    places = _inner_boundaries(smoother, smoother.mean(series.values), floor)
    resampled = _bootstraps(smoother, series, floor, num_bootstraps, np.random.default_rng(seed))
    bounded = _bounded(smoother, places, resampled)
    kept = [(place, boundary) for place, boundary in bounded if boundary.frequency >= LEAST_FREQUENCY]
    return _stages(smoother, smoother.mean(series.values), floor, kept)


def _inner_boundaries(smoother: Smoother, curve: np.ndarray, floor: float) -> np.ndarray:
    return curves.merged(curve, smoother.covariance, floor, curves.candidates(curve), LEAST_Z)


def _bootstraps(
    smoother: Smoother, series: Series, floor: float, num_bootstraps: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Boundaries of series drawn from the fitted curve and its noise."""
    noise = rng.standard_normal((num_bootstraps, len(series))) * smoother.noise_sd
    return [
        _inner_boundaries(smoother, curve, floor) for curve in smoother.mean(smoother.fitted(series.values) + noise)
    ]


def _bounded(smoother: Smoother, places: np.ndarray, resampled: list[np.ndarray]) -> list[tuple[int, Boundary]]:
    """Grid points and boundaries with frequency and interval; a bootstrap's boundary counts for the nearest place."""
    bounded = []
    middles = (places[1:] + places[:-1]) / 2
    for index, place in enumerate(places):
        low = middles[index - 1] if index > 0 else -np.inf
        high = middles[index] if index < len(middles) else np.inf
        near = [inner[(inner > low) & (inner <= high)] for inner in resampled]
        nearest = np.array([inner[np.argmin(np.abs(inner - place))] for inner in near if len(inner)], int)
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
