"""Sudden shifts of the mean of a metric (reward, loss), found by PELT with a squared-error cost and penalty 3 log n.

This is another question than that of `llcray.stages.detect`: a smooth rise has no shift, or many.

Reference: Killick, Fearnhead and Eckley 2012 (arXiv 1101.1438), as the package ruptures has it; the penalty is the
modified BIC of Zhang and Siegmund 2007 (Biometrics 63, 22).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from llcray.stages.detect import LEAST_Z, Direction
from llcray.stages.series import Series

FEWEST_PER_STRETCH = 2
# Median |difference of neighbours| of unit Gaussian noise: 0.6745 sqrt(2).
MEDIAN_DIFFERENCE = 0.9539


@dataclass(frozen=True)
class Stretch:
    """Checkpoints between two shifts of the mean.

    Attributes:
        start_step: First step.
        end_step: First step of the next stretch, or the last one.
        mean: Mean of the metric.
        shift: The mean minus that of the stretch before; 0 for the first stretch.
        z: Size of the shift over the standard error of the shift; 0 for the first stretch.
        direction: Direction of the shift; `flat` for the first stretch, or when z is below 3.
    """

    start_step: float
    end_step: float
    mean: float
    shift: float
    z: float
    direction: Direction


def mean_shifts(series: Series) -> list[Stretch]:
    """The stretches of constant mean; a single one when the mean never shifts."""
    noise = _noise_sd(series)
    ends = [0, *_changepoints(series.values / noise)]
    parts = [series.values[start:end] for start, end in pairwise(ends)]
    means = [float(part.mean()) for part in parts]
    stretches = []
    for index, start in enumerate(ends[:-1]):
        shift, z = 0.0, 0.0
        if index > 0:
            shift = means[index] - means[index - 1]
            z = abs(shift) / (noise * np.sqrt(1 / len(parts[index]) + 1 / len(parts[index - 1])))
        direction: Direction = "flat" if z < LEAST_Z else ("up" if shift > 0 else "down")
        last = float(series.steps[min(ends[index + 1], len(series) - 1)])
        stretches.append(Stretch(float(series.steps[start]), last, means[index], shift, float(z), direction))
    return stretches


def _noise_sd(series: Series) -> float:
    """Standard deviation of a value around a constant mean.

    It is the larger of two estimates: the median standard error, and the spread of differences between neighbours.
    """
    between = float(np.median(np.abs(np.diff(series.values)))) / MEDIAN_DIFFERENCE
    noise = max(between, float(np.median(series.standard_errors)))
    return noise if noise > 0 else max(float(series.values.std()), 1.0) * 1e-6


def _changepoints(standardised: np.ndarray) -> list[int]:
    """The index after the last checkpoint of each stretch."""
    import ruptures

    penalty = 3.0 * np.log(len(standardised))
    return ruptures.Pelt(model="l2", min_size=FEWEST_PER_STRETCH, jump=1).fit(standardised).predict(pen=penalty)
