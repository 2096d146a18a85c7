"""The verdicts on an estimate and the limits that decide them, declared once for judge, column, plots and pages."""

from typing import Literal, NamedTuple

VerdictName = Literal["diverged", "escaped", "biased_weights", "biased_step", "not_converged", "gamma_decides", "ok"]


RHAT_LIMIT = 1.05
"""Split R-hat above which an estimate is `not_converged`."""
MIN_ESS = 50
"""Bulk effective draws below which it is."""
MAX_RELATIVE_MCSE = 0.25
"""Share of the estimate above which its Monte Carlo error makes it so, alone or with that of a subtracted bias."""
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
MAX_CERTAINLY_MISSING = 0.1
"""The same where it is beyond `CERTAIN_SIGMAS`: so it was of 4 in 1,227 estimates that were `ok`, and 3 were wrong."""
CERTAIN_SIGMAS = 5.0
"""Standard errors beyond which a number is certain."""
MAX_RISE = 0.5
"""Share of the estimate that it may rise by without the automatic localization before it is `gamma_decides`."""
NUM_SIGMAS = 3.0
"""Standard errors beyond which a number is not taken for noise."""


class VerdictKind(NamedTuple):
    """A verdict that an estimate can get.

    Attributes:
        name: The text of column `verdict`.
        meaning: One sentence: what happened, and what a reader may do with such an estimate.
        rule: The rules in brief, with their limits; `llcray.llc.verdict` has them whole.
        remedy: What to change for the next run.
    """

    name: VerdictName
    meaning: str
    rule: str
    remedy: str


VERDICTS: tuple[VerdictKind, ...] = (
    VerdictKind(
        "diverged",
        "A chain went non-finite, or no step size was stable: do not use the estimate.",
        "a number that is not finite in one chain",
        "Lower the step size, or use `auto`.",
    ),
    VerdictKind(
        "escaped",
        "The chains found lower loss, so w* is no local minimum: the estimate is no LLC of w*.",
        f"a negative estimate, or {MAX_SHARE_LOWER:.0%} of the draws a nat below w*",
        "Train longer, or raise gamma.",
    ),
    VerdictKind(
        "biased_weights",
        "The proposal is too far from the posterior for importance weights: do not use the estimate.",
        f"a Pareto k-hat of the weights above {MAX_KHAT:g}",
        "Use a chain: `auto`, `hmc`.",
    ),
    VerdictKind(
        "biased_step",
        "The step size moves the estimate too far: read its rough size, and do not average it.",
        f"a step-size bias above {MAX_RELATIVE_BIAS:.0%} of the estimate or that nothing predicts, acceptance below "
        f"{MIN_ACCEPTANCE:g}, or an "
        f"estimate {MAX_RELATIVE_BIAS:.0%} above d/2",
        "Lower the step size, or use `auto`.",
    ),
    VerdictKind(
        "not_converged",
        "R-hat, effective draws or error are too poor: the estimate is provisional.",
        f"R-hat above {RHAT_LIMIT:g}, fewer than {MIN_ESS} effective draws, a sampling error above "
        f"{MAX_RELATIVE_MCSE:.0%} of the estimate, or a virial that misses {MAX_MISSING:.0%} of d",
        "Raise `sampling.budget`.",
    ),
    VerdictKind(
        "gamma_decides",
        "A weaker localization gives another answer: the estimate is a number at its gamma, and no LLC.",
        f"an LLC that would be {MAX_RISE:.0%} larger without the automatic localization, or a ladder without a plateau",
        "Set gammas by hand, `posterior: {localization: ladder}`, and look where the LLC stands still.",
    ),
    VerdictKind("ok", "No rule objects: the estimate may be averaged and compared, within its error bar.", "", ""),
)
"""Gravest first: an estimate gets the first verdict whose rule applies."""
