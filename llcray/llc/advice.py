"""Advice on the budget of a run that has not converged: the number that its own measurements ask for.

Work that is left after the warmup counts in multiples f of what the kept draws took:

    f = (R-hat - 1)/(limit - 1)          since R-hat - 1 falls as 1/draws where chains are stationary
    f = fewest effective draws/their number
    f = (MCSE/largest MCSE)^2
    f = log(largest missing share of d)/log(missing share)          chains that spread exponentially

Each is an estimate from the run that failed: half more is asked for, and never less than twice the draws, by which runs
grow. Chains that are far from mixed have no such law, and the number is then a lower bound.
"""

import math
from typing import NamedTuple

MARGIN, LEAST_FACTOR = 1.5, 2.0
MOST_FACTOR = 50.0
"""Factor beyond which more of the same is no advice."""


class Spent(NamedTuple):
    """What a run was allowed, and what it took.

    Attributes:
        allowed_gradients: `num_gradients` of its budget.
        allowed_draws: `num_draws` of its budget.
        num_gradients: Gradients that it took.
        warmup_gradients: The part of them before the first kept draw.
        num_draws: Draws of a chain, burn-in included.
    """

    allowed_gradients: float
    allowed_draws: int
    num_gradients: float
    warmup_gradients: float
    num_draws: int


def raise_budget(spent: Spent | None, factor: float, is_lower_bound: bool) -> str:
    """Says to about which number a limit of the budget is to be raised.

    Args:
        spent: What the run was allowed and took; None where this is not known.
        factor: f, the draws that are needed over those that were kept; NaN or infinite where nothing tells.
        is_lower_bound: Whether more than that may well be needed.
    """
    if spent is None:
        return "Raise the budget."
    if not math.isfinite(factor):
        factor, is_lower_bound = LEAST_FACTOR, True
    factor = max(MARGIN * factor, LEAST_FACTOR)
    if factor > MOST_FACTOR:
        return (
            f"More than {MOST_FACTOR:.0f} times its {spent.num_gradients:,.0f} gradients would be needed: use another "
            "sampler, sample a component, or raise the localization."
        )
    gradients = spent.warmup_gradients + factor * (spent.num_gradients - spent.warmup_gradients)
    limits = (
        ("num_gradients", gradients, spent.allowed_gradients),
        ("num_draws", factor * spent.num_draws, spent.allowed_draws),
    )
    wanted = [f"{name}: {rounded_up(needed)}" for name, needed, allowed in limits if needed > allowed]
    if not wanted:
        return "Its budget was not spent: ask for a smaller until.rhat or until.relative_mcse."
    about = "at least" if is_lower_bound else "about"
    return f"Raise the budget to {about} {{{', '.join(wanted)}}}."


def rounded_up(number: float) -> int:
    """Returns a positive number rounded up to two digits."""
    unit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return math.ceil(number / unit) * unit
