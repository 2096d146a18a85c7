"""The verdicts on an estimate and the limits that decide them, declared once for judge, column, plots and pages."""

from typing import Literal, NamedTuple

VerdictName = Literal["diverged", "escaped", "biased_weights", "biased_step", "not_converged", "gamma_decides", "ok"]


class VerdictKind(NamedTuple):
    """A verdict that an estimate can get.

    Attributes:
        name: The text of column `verdict`.
        meaning: One sentence: what happened, and what a reader may do with such an estimate.
    """

    name: VerdictName
    meaning: str


VERDICTS: tuple[VerdictKind, ...] = (
    VerdictKind("diverged", "A chain went non-finite, or no step size was stable: do not use the estimate."),
    VerdictKind("escaped", "The chains found lower loss, so w* is no local minimum: the estimate is no LLC of w*."),
    VerdictKind(
        "biased_weights", "The proposal is too far from the posterior for importance weights: do not use the estimate."
    ),
    VerdictKind("biased_step", "The step size moves the estimate too far: read its rough size, and do not average it."),
    VerdictKind("not_converged", "R-hat, effective draws or error are too poor: the estimate is provisional."),
    VerdictKind(
        "gamma_decides",
        "A weaker localization gives another answer: the estimate is a number at its gamma, and no LLC.",
    ),
    VerdictKind("ok", "No rule objects: the estimate may be averaged and compared, within its error bar."),
)
"""Gravest first: an estimate gets the first verdict whose rule applies."""

RHAT_LIMIT = 1.05
"""Split R-hat above which an estimate is `not_converged`."""
MIN_ESS = 50
"""Bulk effective draws below which it is."""
MAX_RELATIVE_MCSE = 0.25
"""Share of the estimate above which its Monte Carlo error makes it so."""
MAX_RELATIVE_BIAS = 0.1
"""Share of the estimate above which a step-size bias left in it is too large, and which it may exceed d/2 by."""
EXACT_EXCESS = 2.0
"""Factor by which an estimate of a sampler with a Metropolis test may exceed d/2, since n is finite."""
NOTABLE_BIAS = 0.05
"""Share from which such a bias is not let pass where it is beyond Monte Carlo error."""
MAX_KHAT = 0.7
"""Pareto k-hat of importance weights above which an estimate is `biased_weights` (Vehtari et al. 2024)."""
MIN_ACCEPTANCE = 0.3
"""Mean acceptance probability below which an estimate is `biased_step`."""
MAX_ENERGY_VARIANCE = 1e-3
"""Mean square energy error of a step per dimension above which an estimate of an unadjusted sampler is `biased_step`.

Unadjusted microcanonical chains were off by 2% at 3e-4 and by 5% at 4e-3 (deep linear network of 200 parameters).
"""
MAX_SHARE_LOWER = 0.01
"""Share of draws over a nat below w* above which an estimate is `escaped`."""
MAX_MISSING = 0.2
"""Share of d that the virial may miss before an estimate is `not_converged`."""
MAX_RISE = 0.5
"""Share of the estimate that it may rise by without the automatic localization before it is `gamma_decides`."""
NUM_SIGMAS = 3.0
"""Standard errors beyond which a number is not taken for noise."""
