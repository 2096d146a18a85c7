"""Series: a metric along training steps, with standard errors where they are known."""

from dataclasses import dataclass

import numpy as np

FEWEST = 5


@dataclass(frozen=True)
class Series:
    """Values of a metric at checkpoints.

    Attributes:
        steps: Training steps (checkpoint,), ascending, at least 0.
        values: The metric (checkpoint,), any unit.
        standard_errors: Standard errors of the values, same unit; 0 where a value is exact or its error is not known.
    """

    steps: np.ndarray
    values: np.ndarray
    standard_errors: np.ndarray

    @property
    def log_steps(self) -> np.ndarray:
        """The values log(step + 1), the axis on which stages are looked for."""
        return np.log1p(self.steps)

    def __len__(self) -> int:
        return len(self.steps)


def series_of(steps: np.ndarray, values: np.ndarray, standard_errors: np.ndarray | None = None) -> Series:
    """The series of a metric in the order of its steps, without checkpoints that have no finite value.

    Args:
        steps: Training steps (checkpoint,).
        values: The metric; NaN where it is unknown.
        standard_errors: Standard errors of the values; None where they are not known, or NaN where one is not.

    Raises:
        ValueError: Two values share a step, or fewer than five are finite.
    """
    steps, values = np.asarray(steps, float), np.asarray(values, float)
    errors = np.zeros_like(values) if standard_errors is None else np.asarray(standard_errors, float)
    order = np.argsort(steps, kind="stable")
    kept = order[np.isfinite(values[order])]
    steps, values, errors = steps[kept], values[kept], errors[kept]
    if len(steps) < FEWEST:
        raise ValueError(f"A series has {len(steps)} finite values: stages need at least {FEWEST}. Add checkpoints.")
    if len(np.unique(steps)) < len(steps):
        raise ValueError("A series has two values at one step. Give each series (seed, sampler, component) alone.")
    return Series(steps, values, np.where(np.isfinite(errors), errors, 0.0))
