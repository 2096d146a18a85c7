"""The spectrum of the Hessian of n beta L_n at w*, and the LLC that it alone would give, at any localization.

A direction of curvature mu counts in the LLC by

    w(mu) = max(mu, 0)/(max(mu, 0) + gamma),

so that the quadratic approximation of the loss has the LLC

    lambda_quad(gamma) = 1/2 sum of w over all directions,

and the localization holds the other d - 2 lambda_quad directions. Curvatures below zero are noise of the data in
directions that are flat in the mean, and so is as much above zero; where a *change* with gamma is asked for, directions
of negative curvature therefore count with a negative sign, and the noise cancels.

Reference: Ubaru, Chen & Saad 2017, Fast estimation of tr(f(A)) via stochastic Lanczos quadrature, SIAM J. Matrix Anal.
Appl. 38.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

RESOLVED = 1e-11
"""Curvatures below this share of the largest are rounding: no gamma below it is told from none."""


class Sensitivity(NamedTuple):
    """The derivative d lambda / d log gamma and its standard error, nats.

    The distance |w - w*|^2 mixes far more slowly than the loss, so the standard error of a covariance is often as large
    as its value.
    """

    value: float
    se: float


@dataclass(frozen=True)
class Spectrum:
    """Curvatures with the number of directions that each stands for.

    Attributes:
        curvatures: Shape (probe, node), 1/w^2; eigenvalues where there is one probe.
        directions: Number of directions that each node stands for, same shape; the sum over the nodes of a probe is d.
        num_gradients: Work, full-data equivalents.
        hessian: The Hessian of n beta L_n, shape (d, d), where there are eigenvalues.
    """

    curvatures: np.ndarray
    directions: np.ndarray
    num_gradients: float
    hessian: np.ndarray | None = None

    @property
    def num_params(self) -> float:
        """d, the number of directions."""
        return float(self.directions[0].sum())

    def llc(self, localization: float) -> tuple[float, float]:
        """lambda_quad at this gamma and its standard error over probes, nats; the error of eigenvalues is 0."""
        return self._trace(lambda mu: 0.5 * _seen(np.maximum(mu, 0), self._resolved(localization)))

    def sensitivity(self, localization: float) -> Sensitivity:
        """d lambda_quad/d log gamma, -1/2 sum of w (1 - w), nats."""

        def slope(mu: np.ndarray) -> np.ndarray:
            seen = _seen(np.abs(mu), self._resolved(localization))
            return -0.5 * np.sign(mu) * seen * (1 - seen)

        return Sensitivity(*self._trace(slope))

    def rise(self, localization: float, weaker: float = 0.0) -> float:
        """lambda_quad at a weaker localization less lambda_quad at this one, nats.

        Of a quadrature it is a lower bound. A node near zero stands for all curvatures that m Lanczos steps do not
        tell from zero, those below

            (pi/(2 m))^2    times the largest,

        flat directions among them: what such nodes would rise by is left out.
        """
        strong, weak = self._resolved(localization), self._resolved(weaker)
        num_probes, num_nodes = self.curvatures.shape
        blurred = (np.pi / (2 * num_nodes)) ** 2 * self.curvatures.max(initial=0.0) if num_probes > 1 else 0.0

        def difference(mu: np.ndarray) -> np.ndarray:
            rise = 0.5 * np.sign(mu) * (_seen(np.abs(mu), weak) - _seen(np.abs(mu), strong))
            return np.where(np.abs(mu) < blurred, 0.0, rise)

        return self._trace(difference)[0]

    def _resolved(self, localization: float) -> float:
        return max(localization, RESOLVED * float(self.curvatures.max(initial=0.0)))

    def at_temperature(self, temperature: float) -> "Spectrum":
        """The spectrum where n beta is divided by `temperature`."""
        hessian = None if self.hessian is None else self.hessian / temperature
        return Spectrum(self.curvatures / temperature, self.directions, self.num_gradients, hessian)

    def _trace(self, function: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
        of_probes = np.sum(self.directions * function(self.curvatures), axis=1)
        error = of_probes.std(ddof=1) / np.sqrt(len(of_probes)) if len(of_probes) > 1 else 0.0
        return float(of_probes.mean()), float(error)


def _seen(curvature: np.ndarray, localization: float) -> np.ndarray:
    """The share w of directions of non-negative curvature; none of a flat one, at any gamma."""
    return np.divide(curvature, curvature + localization, out=np.zeros_like(curvature), where=curvature > 0)
