"""lambda at several localizations: its plateau, or that there is none.

"Local learning coefficient" presupposes that lambda(gamma) stands still over a range of gamma, as it does for regular
models once gamma lies below every curvature. Where it does not, an estimate is a number at its gamma.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

NUM_SIGMAS = 2.0
"""Standard errors that rungs of a plateau may differ by. Fewer than elsewhere: a slow rise is not to pass for noise."""
FLAT = 0.05
"""Share by which lambda may differ between the rungs of a plateau, beyond noise: it has no more meaning than that."""
HELD = 0.1
"""Share by which the spectrum at w* may promise more at weaker gammas than a plateau has."""


class Rung(NamedTuple):
    """An estimate at one gamma.

    Attributes:
        localization: gamma.
        llc: lambda, nats.
        se: Its sampling error, nats.
        verdict: The verdict on it.
        llc_unlocalized: What the quadratic approximation promises without a localization, nats; NaN: unknown.
    """

    localization: float
    llc: float
    se: float
    verdict: str
    llc_unlocalized: float


class Plateau(NamedTuple):
    """Consecutive rungs that agree.

    Attributes:
        llc: Mean of lambda by inverse variance, nats.
        se: Standard error of the mean, nats.
        spread: Largest difference of a rung from the mean, nats.
        members: Indices of the rungs.
    """

    llc: float
    se: float
    spread: float
    members: tuple[int, ...]


def find_plateau(rungs: Sequence[Rung]) -> Plateau | None:
    """Finds the plateau that ends at the weakest gamma whose estimate is to be trusted; None where there is none.

    Only rungs of verdict `ok` count. Two or more neighbours agree if they differ by less than `FLAT` of their size or
    two standard errors, whichever is larger. Rungs where the spectrum at w* promises more at weaker gammas belong to no
    plateau, although they may agree, since gamma holds much at all of them.
    """
    order = sorted(range(len(rungs)), key=lambda index: rungs[index].localization)
    trusted = [index for index in order if rungs[index].verdict == "ok"]
    members = trusted[:1]
    for index in trusted[1:]:
        is_next = order.index(index) == order.index(members[-1]) + 1
        if not is_next or _is_held(rungs[index]) or not all(_agree(rungs[index], rungs[m]) for m in members):
            break
        members.append(index)
    if len(members) < 2 or _is_held(rungs[members[0]]):
        return None
    weights = [1 / max(rungs[member].se, 1e-12) ** 2 for member in members]
    mean = sum(weight * rungs[member].llc for weight, member in zip(weights, members, strict=True)) / sum(weights)
    spread = max(abs(rungs[member].llc - mean) for member in members)
    return Plateau(mean, 1 / math.sqrt(sum(weights)), spread, tuple(members))


def _is_held(rung: Rung) -> bool:
    return rung.llc_unlocalized > (1 + HELD) * rung.llc


def _agree(first: Rung, second: Rung) -> bool:
    allowed = max(NUM_SIGMAS * math.hypot(first.se, second.se), FLAT * max(abs(first.llc), abs(second.llc)))
    return abs(first.llc - second.llc) <= allowed
