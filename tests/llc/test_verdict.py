"""One test a rule: each verdict is produced by the diagnostics that should produce it."""

from dataclasses import replace

import pytest
from llcray_storage.schema.verdicts import VERDICTS

from llcray.llc.verdict import Diagnostics, judge

GOOD = Diagnostics(
    llc=10.0,
    llc_mcse=0.1,
    rhat=1.001,
    ess_bulk=800.0,
    num_sampled_params=100,
    num_chains=4,
    lowest_chain_llc=9.8,
    lowest_chain_mcse=0.2,
)


def test_good_diagnostics_are_ok() -> None:
    assert judge(GOOD).name == "ok"


@pytest.mark.parametrize(
    ("change", "name", "word"),
    [
        ({"num_failed_chains": 1}, "diverged", "1 of 4"),
        ({"restarts_exhausted": True}, "diverged", "No step size"),
        ({"llc": -5.0, "lowest_chain_llc": -5.2}, "escaped", "negative"),
        ({"lowest_chain_llc": -47.6, "lowest_chain_mcse": 1.0}, "escaped", "One chain"),
        ({"share_lower": 0.02}, "escaped", "2% of the draws"),
        ({"pareto_khat": 0.9}, "biased_weights", "k-hat of the weights is 0.9"),
        ({"pareto_khat": 0.6, "rhat": float("nan")}, "ok", ""),
        ({"remaining_bias": 2.0}, "biased_step", "20%"),
        ({"remaining_bias": 0.6}, "biased_step", "6%"),
        ({"acceptance_rate": 0.05}, "biased_step", "5%"),
        ({"energy_variance": 0.02}, "biased_step", "energy error"),
        ({"llc": 60.0, "lowest_chain_llc": 59.0}, "biased_step", "d/2"),
        ({"llc": 60.0, "lowest_chain_llc": 59.0, "acceptance_rate": 0.8}, "ok", ""),
        ({"llc": 110.0, "lowest_chain_llc": 99.0, "acceptance_rate": 0.8}, "biased_step", "exceeds d = 100"),
        ({"unpredicted_bias": "nothing predicts it"}, "biased_step", "Nothing predicts it."),
        ({"unpredicted_bias": "nothing predicts it", "rhat": 1.2}, "not_converged", "R-hat"),
        ({"unpredicted_bias": "nothing predicts it", "virial": 50.0, "virial_se": 2.0}, "biased_step", "predicts"),
        ({"num_dead_chains": 1}, "not_converged", "never moved"),
        ({"virial": 70.0, "virial_se": 5.0}, "not_converged", "virial is 70"),
        ({"virial": 70.0, "virial_se": 5.0, "misses_flat_directions_only": True}, "ok", ""),
        ({"virial": 86.0, "virial_se": 2.0}, "not_converged", "virial is 86"),
        ({"virial": 86.0, "virial_se": 4.0}, "ok", ""),
        ({"llc_unlocalized": 16.0}, "gamma_decides", "about 16"),
        ({"num_dead_chains": 4, "has_constant_loss": True}, "not_converged", "its LLC is 0"),
        ({"unresolved": "float32 has a spacing of 0.06"}, "not_converged", "spacing of 0.06, and so many parameters"),
        ({"unresolved": "float32 has a spacing of 0.06", "llc": -5.0}, "not_converged", "spacing of 0.06"),
        ({"rhat": 1.2}, "not_converged", "R-hat"),
        ({"rhat": 1.0503}, "not_converged", "R-hat is 1.0503, above 1.05."),
        ({"rhat": float("nan")}, "not_converged", "R-hat"),
        ({"ess_bulk": 12.0}, "not_converged", "12 effective"),
        ({"llc_mcse": 4.0}, "not_converged", "Monte Carlo error"),
        ({"subtracted_bias_se": 4.0}, "not_converged", "known to +- 4 nats only"),
        ({"subtracted_bias_se": 2.4}, "ok", ""),
        ({"budget_of_warmup": 81_000.0, "llc": 90.0}, "not_converged", "to at least {num_gradients: 81000}."),
        ({"budget_of_warmup": float("inf")}, "not_converged", "not of the posterior. Raise the budget."),
    ],
)
def test_each_rule_gives_its_verdict(change: dict[str, float], name: str, word: str) -> None:
    verdict = judge(replace(GOOD, **change))  # pyright: ignore[reportArgumentType]
    assert verdict.name == name
    assert word in verdict.reason


def test_the_gravest_rule_speaks() -> None:
    assert judge(replace(GOOD, num_failed_chains=2, rhat=2.0, llc=-5.0)).name == "diverged"


def test_an_estimate_with_every_fault_gets_the_verdicts_in_their_declared_order_as_faults_are_mended() -> None:
    faults = (
        {"num_failed_chains": 1},
        {"share_lower": 0.02},
        {"pareto_khat": 0.9},
        {"remaining_bias": 2.0},
        {"rhat": 1.2},
        {"llc_unlocalized": 16.0},
    )
    names = []
    for num_mended in range(len(faults) + 1):
        left = {name: value for fault in faults[num_mended:] for name, value in fault.items()}
        names.append(judge(replace(GOOD, **left)).name)  # pyright: ignore[reportArgumentType]
    assert names == [verdict.name for verdict in VERDICTS]


def test_a_regular_model_at_its_bound_is_not_accused() -> None:
    """lambda = d/2 exactly, with Monte Carlo noise on top."""
    assert judge(replace(GOOD, llc=50.3, llc_mcse=0.3)).name == "ok"


@pytest.mark.parametrize("change", [{"remaining_bias": 0.4}, {"remaining_bias": 0.8, "llc_mcse": 0.3}])
def test_a_small_bias_or_one_within_the_noise_is_let_pass(change: dict[str, float]) -> None:
    """4% of the estimate, or 2.7 of its standard errors: the total error says so instead."""
    assert judge(replace(GOOD, **change)).name == "ok"  # pyright: ignore[reportArgumentType]
