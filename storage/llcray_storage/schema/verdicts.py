"""The verdicts on an estimate, declared once: the judge, the column, the pages and the legends take them from here."""

from typing import Literal, NamedTuple

VerdictName = Literal["diverged", "escaped", "biased_step", "not_converged", "ok"]


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
    VerdictKind("biased_step", "The step size moves the estimate too far: read its rough size, and do not average it."),
    VerdictKind("not_converged", "R-hat, effective draws or error are too poor: the estimate is provisional."),
    VerdictKind("ok", "No rule objects: the estimate may be averaged and compared, within its error bar."),
)
"""Gravest first: an estimate gets the first verdict whose rule applies."""
