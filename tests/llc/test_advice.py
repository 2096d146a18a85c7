"""A run that has not converged says to about which number its budget is to be raised. A rule adds a line."""

from dataclasses import replace

import pytest

from llcray.llc.advice import Spent, raise_budget, rounded_up
from llcray.llc.verdict import judge
from tests.llc.test_verdict import GOOD

FULL = Spent(allowed_gradients=50_000, allowed_draws=8192, num_gradients=49_000, warmup_gradients=9_000, num_draws=500)
SHORT = FULL._replace(num_gradients=28_000, num_draws=8000)
# What was measured, what was spent, and what is said. Draws grow by the factor, and by half of that besides.
CASES = [
    ({"rhat": 1.10}, FULL, "Raise the budget to about {num_gradients: 130000}."),  # R-hat - 1 has to halve
    ({"rhat": 1.051}, FULL, "Raise the budget to about {num_gradients: 89000}."),  # never less than twice the draws
    ({"rhat": 1.3}, FULL, "Raise the budget to at least {num_gradients: 370000}."),  # far from mixed
    ({"ess_bulk": 10.0}, FULL, "Raise the budget to about {num_gradients: 310000}."),
    ({"llc_mcse": 5.0}, FULL, "Raise the budget to about {num_gradients: 250000}."),  # twice the error: four times
    ({"virial": 50.0, "virial_se": 1.0}, FULL, "Raise the budget to at least {num_gradients: 150000}."),
    ({"rhat": float("nan")}, FULL, "Raise the budget to at least {num_gradients: 130000}."),
    ({"rhat": 1.2}, SHORT, "Raise the budget to about {num_gradients: 130000, num_draws: 48000}."),
    ({"rhat": 1.051}, SHORT, "Raise the budget to about {num_draws: 16000}."),  # the draws ended it, not the gradients
    ({"rhat": 1.06}, FULL._replace(num_gradients=11_000), "Its budget was not spent: ask for a smaller until.rhat"),
    ({"rhat": 3.0}, FULL, "More than 50 times its 49,000 gradients would be needed"),
    ({"ess_bulk": 0.0}, FULL, "Raise the budget to at least"),
    ({"rhat": 1.2}, None, "above 1.05. Raise the budget."),
]


@pytest.mark.parametrize(("change", "spent", "advice"), CASES)
def test_a_run_that_has_not_converged_says_how_far_to_raise_its_budget(
    change: dict[str, float], spent: Spent | None, advice: str
) -> None:
    verdict = judge(replace(GOOD, spent=spent, **change))  # pyright: ignore[reportArgumentType]
    assert verdict.name == "not_converged"
    assert advice in verdict.reason


def test_what_is_said_is_enough_where_errors_fall_with_the_root_of_the_work() -> None:
    """The budget said makes the error of the same chains small enough, with half of the work to spare."""
    reason = raise_budget(FULL, factor=(5.0 / 2.5) ** 2, is_lower_bound=False)
    said = int("".join(filter(str.isdigit, reason)))
    kept = FULL.num_gradients - FULL.warmup_gradients
    error = 5.0 * (kept / (said - FULL.warmup_gradients)) ** 0.5
    assert 2.5 / 1.5 < error < 2.5


@pytest.mark.parametrize(("number", "rounded"), [(1, 1), (9.1, 10), (101, 110), (129_000, 130_000), (48_000, 48_000)])
def test_budgets_are_rounded_up_to_two_digits(number: float, rounded: int) -> None:
    assert rounded_up(number) == rounded
