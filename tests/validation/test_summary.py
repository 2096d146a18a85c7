"""The comparison with known answers, on rows whose errors are known by construction."""

import math
from typing import Any

import polars as pl
import pytest

from llcray.targets.long_runs import TABLE, read_table
from llcray.validation.summary import (
    ASYMPTOTIC,
    BEST_KNOWN,
    FINITE,
    Score,
    compared,
    order_preservation,
    score,
    scores,
    with_long_runs,
)

ROW: dict[str, Any] = {
    "status": "done",
    "verdict": "ok",
    "sampler_kind": "auto",
    "llc": 10.0,
    "llc_mcse": 0.3,
    "step_size_bias_se": 0.0,
    "localization_se": 0.0,
    "true_llc": 10.0,
    "true_llc_kind": "finite_temperature",
    "true_llc_mcse": 0.0,
    "true_llc_asymptotic": 12.0,
    "true_llc_asymptotic_kind": "local",
    "true_multiplicity": 1.0,
    "num_gradients": 100.0,
    "sampling_cpu_seconds": 1.0,
}


def best_score(runs: pl.DataFrame) -> Score:
    return score("auto", runs, BEST_KNOWN)


def rows(*changes: dict[str, Any]) -> pl.DataFrame:
    return compared(pl.DataFrame([ROW | change for change in changes], infer_schema_length=None))


def test_the_error_bar_joins_mcse_and_the_error_of_the_step_size_bias() -> None:
    """A 3-4-5 triangle; catches errors added without squares."""
    assert rows({"step_size_bias_se": 0.4})["se"].item() == pytest.approx(0.5)


@pytest.mark.parametrize(("kind", "se"), [("finite_temperature", 0.3), ("local", 0.5)])
def test_localization_widens_the_interval_only_against_an_asymptotic_answer(kind: str, se: float) -> None:
    """A finite-temperature answer has the run's gamma in it; its error would count that twice."""
    assert rows({"localization_se": 0.4, "true_llc_kind": kind})["se"].item() == pytest.approx(se)


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_a_bias_that_a_sampler_cannot_predict_leaves_the_mcse(unknown: float | None) -> None:
    """Microcanonical chains report none; catches intervals that become null and count as misses."""
    assert rows({"step_size_bias_se": unknown}, {})["se"][0] == pytest.approx(0.3)


@pytest.mark.parametrize(("llc", "covered"), [(10.58, True), (10.6, False), (9.42, True), (9.4, False)])
def test_an_interval_reaches_1_96_standard_errors_to_either_side(llc: float, covered: bool) -> None:
    assert rows({"llc": llc})["covered"].item() is covered


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"true_llc_kind": "local", "true_multiplicity": 2.0}, "m > 1"),
        ({"true_llc_kind": "finite_temperature", "true_multiplicity": 2.0}, None),
        ({"true_llc_kind": "local"}, None),
        ({"true_llc_kind": "global"}, "global bound"),
        ({"true_llc": None, "true_llc_kind": None}, "no known answer"),
    ],
)
def test_only_answers_that_hold_at_this_n_are_counted(change: dict[str, Any], reason: str | None) -> None:
    """Catches statistics that blame a sampler for log log n."""
    assert rows(change, {})["left_out"][0] == reason


def test_runs_left_out_change_no_error_and_no_coverage() -> None:
    made = best_score(rows({"llc": 11.0}, {"llc": 99.0, "true_llc_kind": "local", "true_multiplicity": 2.0}))
    assert (made.num_counted, made.num_left_out, made.num_covered) == (1, 1, 0)
    assert made.worst_error == pytest.approx(0.1)
    assert made.bias == pytest.approx(0.1)


@pytest.mark.parametrize(
    "change", [{"llc": math.nan}, {"llc": None}, {"status": "failed", "llc": None, "verdict": None}]
)
def test_a_run_without_a_number_is_a_failure_and_not_a_quieter_median(change: dict[str, Any]) -> None:
    made = best_score(rows(change, {"llc": 10.2}))
    assert (made.num_runs, made.num_failed, made.num_counted) == (2, 1, 1)
    assert made.median_error == pytest.approx(0.02)


def test_a_sampler_of_which_every_run_failed_has_no_error_rather_than_none_at_all() -> None:
    made = best_score(rows({"status": "failed", "llc": None}))
    assert made.num_failed == 1
    assert math.isnan(made.median_error)
    assert math.isnan(made.coverage)


def test_order_preservation_is_one_for_the_right_order_and_minus_one_for_its_reverse() -> None:
    truth = pl.Series([1.0, 2.0, 5.0]).to_numpy()
    assert order_preservation(truth, 2 * truth) == pytest.approx(1.0)
    assert order_preservation(truth, -truth) == pytest.approx(-1.0)
    assert math.isnan(order_preservation(truth[:1], truth[:1]))


def test_the_error_of_a_known_answer_widens_the_interval() -> None:
    """A 3-4-5 triangle again; catches long runs taken for exact."""
    assert rows({"true_llc_mcse": 0.4})["se"].item() == pytest.approx(0.5)


def test_scores_against_n_to_infinity_stand_beside_those_against_the_best_answer() -> None:
    """An estimate right at its gamma is far from the limit: both are said, and m > 1 is left out of the second."""
    runs = pl.DataFrame([ROW, ROW | {"true_multiplicity": 2.0}])
    best, asymptotic = scores(runs, ["auto"])
    assert (best.against, best.num_counted, best.worst_error) == (BEST_KNOWN, 2, 0.0)
    assert (asymptotic.against, asymptotic.num_counted) == (ASYMPTOTIC, 1)
    assert asymptotic.worst_error == pytest.approx(1 / 6)


def test_a_long_run_made_after_a_run_counts_for_it() -> None:
    """Catches answers frozen into rows that were written before the table had them."""
    run = read_table(TABLE)[0]
    own = {"target_id": run.target_id, "n_beta": run.n_beta, "localization": run.localization}
    row = ROW | own | {"true_llc_kind": "local", "true_llc_source": "a formula"}
    known, other = with_long_runs(pl.DataFrame([row, row | {"localization": 2 * run.localization}])).rows(named=True)
    assert (known["true_llc"], known["true_llc_kind"], known["true_llc_mcse"]) == (run.value, FINITE, run.mcse)
    assert (other["true_llc"], other["true_llc_kind"]) == (10.0, "local")
