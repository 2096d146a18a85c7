"""The smoother: a Gaussian process through a metric on log(step + 1).

The kernel is C RBF(l) + White with l between 0.3 and 100 in log steps. The standard errors enter the diagonal, and
White takes the noise that they leave out. Once the hyperparameters are fitted, the mean on the grid is linear in the
data and its covariance does not depend on them, so that a bootstrap costs one matrix product.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from llcray.stages.series import Series

NUM_GRID = 400
SHORTEST, LONGEST = 0.3, 100.0
NUM_RESTARTS = 2
LEAST_NOISE = 1e-6


@dataclass(frozen=True)
class Smoother:
    """A fitted Gaussian process.

    Attributes:
        grid: Values of log(step + 1) at which the process is evaluated (grid,), evenly spaced.
        weights: Weights of the values in the posterior mean on the grid (grid, checkpoint): that mean is
            `offset + weights @ (values - offset)`.
        weights_at_data: Weights of the values in the posterior mean at the checkpoints (checkpoint, checkpoint).
        covariance: Posterior covariance of the mean on the grid (grid, grid), unit of the metric squared.
        noise_sd: Standard deviation of a value around the curve (checkpoint,), from its standard error and White.
        offset: Mean of the values.
    """

    grid: np.ndarray
    weights: np.ndarray
    weights_at_data: np.ndarray
    covariance: np.ndarray
    noise_sd: np.ndarray
    offset: float

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Posterior mean on the grid (..., grid), given values (..., checkpoint)."""
        return self.offset + (values - self.offset) @ self.weights.T

    def fitted(self, values: np.ndarray) -> np.ndarray:
        """Posterior mean at the checkpoints, given values (..., checkpoint)."""
        return self.offset + (values - self.offset) @ self.weights_at_data.T


def fit(series: Series) -> Smoother:
    """The Gaussian process of largest marginal likelihood."""
    x, spread, offset = series.log_steps, float(series.values.std()), float(series.values.mean())
    spread = spread if spread > 0 else 1.0
    amplitude, length, white = _hyperparameters(x, (series.values - offset) / spread, series.standard_errors / spread)
    variance = series.standard_errors**2 + white * spread**2
    grid = np.linspace(x[0], x[-1], NUM_GRID)

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return amplitude * spread**2 * np.exp(-0.5 * ((a[:, None] - b[None, :]) / length) ** 2)

    across, factor = kernel(grid, x), cho_factor(kernel(x, x) + np.diag(variance))
    return Smoother(
        grid=grid,
        weights=cho_solve(factor, across.T).T,
        weights_at_data=cho_solve(factor, kernel(x, x)).T,
        covariance=kernel(grid, grid) - across @ cho_solve(factor, across.T),
        noise_sd=np.sqrt(variance),
        offset=offset,
    )


def _hyperparameters(x: np.ndarray, values: np.ndarray, errors: np.ndarray) -> tuple[float, float, float]:
    """Amplitude, length and White variance of standardised values."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
    from threadpoolctl import threadpool_limits

    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * RBF(3.0, (SHORTEST, LONGEST)) + WhiteKernel(1e-2, (LEAST_NOISE, 1e1))
    noise: Any = np.maximum(errors**2, 1e-10)
    process = GaussianProcessRegressor(kernel, alpha=noise, n_restarts_optimizer=NUM_RESTARTS, random_state=0)
    # Two threads of BLAS take 14 times the processor time of one for matrices of a hundred rows.
    with warnings.catch_warnings(), threadpool_limits(1, "blas"):
        # A flat series puts the length at its bound and an exact series puts White at its bound; both are answers.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(x[:, None], values)
    amplitude, length, white = np.exp(process.kernel_.theta)  # pyright: ignore[reportAttributeAccessIssue]
    return float(amplitude), float(length), float(white)
