"""What the localization gamma does to an estimate: how much it holds, what it could move, and whether it decides.

With t = n beta and the posterior exp(-t L - gamma/2 |w - w*|^2),

    d lambda/d log gamma = -gamma/2 Cov(t L, |w - w*|^2).

The distance |w - w*|^2 sums over all the flat directions that the loss does not see and mixes slowly, so this
covariance is mostly noise. Integration by parts leaves the distance out,

    d lambda/d log gamma = -1/2 (E[v] - Cov(t L, v)),    v = t (w - w*)'grad L,

and v = c t L where the loss is homogeneous of degree c along the draws: then the derivative is

    d lambda/d log gamma = c/2 (Var(t L) - lambda).

Where it is quadratic and as curved as at w*, the spectrum at w* (`llcray.llc.spectrum`) tells lambda at every gamma.
"""

import math
from dataclasses import dataclass

import numpy as np
from llcray_storage.schema.verdicts import NUM_SIGMAS

from llcray.llc.spectrum import Sensitivity, Spectrum
from llcray.llc.summary import standard_error
from llcray.llc.virial import Virial

NOT_QUADRATIC = 0.1
"""Share by which the loss along the draws may differ from the quadratic approximation at w* and be told by it."""
LEAST_SPREAD = 0.5
"""Share of the directions that the localization holds in which chains have to have spread to bear that out."""


@dataclass(frozen=True, kw_only=True)
class Localized:
    """What the localization does to an estimate. Names, units and meanings are those of the columns."""

    localization_sensitivity: float
    localization_se: float
    num_held: float
    num_held_quadratic: float
    llc_quadratic: float
    llc_quadratic_se: float
    llc_unlocalized: float
    virial: float
    virial_se: float
    loss_degree: float

    @property
    def misses_flat_directions_only(self) -> bool:
        """Whether what is missing of the virial lies where the loss is flat, at w* and wherever chains may go.

        The quadratic approximation describes the draws, and chains have spread by the share s of what it says,

            s = num_held/num_held_quadratic >= 1/2.

        To first order the loss departs from the approximation in proportion to the spread in flat directions, so chains
        that see the departure c miss c (1 - s)/s: no more than they see, and that was found to be small. Most of what
        is missing has to be missing there.
        """
        flat = self.num_held_quadratic - self.num_held
        missing = 2 * self.llc_quadratic + self.num_held_quadratic - self.virial
        has_spread = self.num_held >= LEAST_SPREAD * self.num_held_quadratic
        return math.isfinite(self.llc_unlocalized) and has_spread and flat >= 0.5 * missing


def localization_sensitivity(raw: np.ndarray, squared_distance: np.ndarray, localization: float) -> Sensitivity:
    """The derivative of lambda by the logarithm of the localization, from the draws at one gamma.

    Args:
        raw: t (L - L*), shape (chain, draw), nats.
        squared_distance: |w - w*|^2, same shape.
        localization: gamma.
    """
    if raw.size == 0:
        return Sensitivity(float("nan"), float("nan"))
    products = -0.5 * localization * (raw - raw.mean()) * (squared_distance - squared_distance.mean())
    return Sensitivity(float(products.mean()), standard_error(products))


def homogeneous_sensitivity(raw: np.ndarray, llc: float, virial: Virial) -> Sensitivity:
    """The same derivative where the loss is homogeneous along the draws: c/2 (Var(t L) - lambda), c its degree.

    Args:
        raw: t (L - L*), shape (chain, draw), nats. A step that heats it raises its standard deviation in proportion.
        llc: lambda, freed of that heat, nats.
        virial: The virial identity on the draws, which tells the degree.
    """
    if raw.size == 0 or not llc > 0 or not raw.mean() > 0:
        return Sensitivity(float("nan"), float("nan"))
    squares = (llc * (raw / raw.mean() - 1)) ** 2
    excess = float(squares.mean()) - llc
    se = math.hypot(virial.degree * standard_error(squares), virial.degree_se * excess)
    return Sensitivity(0.5 * virial.degree * excess, 0.5 * se)


def is_quadratic(spectrum: Spectrum, virial: Virial, llc: float, llc_mcse: float, localization: float) -> bool:
    """Whether the quadratic approximation at w* describes the draws: the degree of the loss is 2, and lambda the same.

    Args:
        spectrum: The spectrum at w*.
        virial: The virial identity on the draws.
        llc: The estimate, nats.
        llc_mcse: Its Monte Carlo standard error, nats.
        localization: gamma.
    """
    quadratic, quadratic_se = spectrum.llc(localization)
    allowed = NOT_QUADRATIC * abs(llc) + NUM_SIGMAS * math.hypot(llc_mcse, quadratic_se)
    return abs(virial.degree - 2) <= 2 * NOT_QUADRATIC and abs(llc - quadratic) <= allowed


def localized(
    spectrum: Spectrum | None,
    virial: Virial,
    measured: Sensitivity,
    if_homogeneous: Sensitivity,
    llc: float,
    llc_mcse: float,
    localization: float,
) -> Localized:
    """What the localization does to an estimate; NaN where it is not known.

    Args:
        spectrum: The spectrum at w*; None where it was not taken.
        virial: The virial identity on the draws.
        measured: d lambda/d log gamma from the draws.
        if_homogeneous: The same where the loss is homogeneous along the draws.
        llc: The estimate, nats.
        llc_mcse: Its Monte Carlo standard error, nats.
        localization: gamma.
    """
    nan = float("nan")
    quadratic, held, unlocalized = (nan, nan), nan, nan
    sensitivity = if_homogeneous if if_homogeneous.se < measured.se else measured
    # Few chains mix slowly in the distance: half of the derivatives of teacher_student were noise of one or two errors.
    error = max(abs(sensitivity.value) - 2 * sensitivity.se, 0.0) if np.isfinite(sensitivity).all() else 0.0
    if spectrum is not None:
        quadratic = spectrum.llc(localization)
        held = spectrum.num_params - 2 * quadratic[0]
        if is_quadratic(spectrum, virial, llc, llc_mcse, localization):
            sensitivity = spectrum.sensitivity(localization)
            error = math.hypot(*sensitivity)
            unlocalized = llc + spectrum.rise(localization)
    return Localized(
        localization_sensitivity=sensitivity.value,
        localization_se=error,
        num_held=virial.num_held,
        num_held_quadratic=held,
        llc_quadratic=quadratic[0],
        llc_quadratic_se=quadratic[1],
        llc_unlocalized=unlocalized,
        virial=virial.value,
        virial_se=virial.se,
        loss_degree=virial.degree,
    )
