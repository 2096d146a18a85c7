"""The table of long runs: what it answers, and that its answers are those of today's targets."""

from itertools import groupby
from pathlib import Path

import pytest

from llcray import estimate_llc
from llcray.architectures import MLP
from llcray.data import Digits
from llcray.posterior.spec import FixedProduct, PosteriorSpec
from llcray.sampling.spec import Budget, SamplingSpec
from llcray.targets import TrainedTarget
from llcray.targets.build import build_target
from llcray.targets.long_runs import TABLE, LongRun, long_run_answer, read_table, write_table
from llcray.training import Adam
from llcray.validation.suite import cases
from llcray.variant import content_id

RUN = LongRun("0123", "a target", 100.0, 2.0, 12.34567, 0.01, 1.001, 1000.0, "HMC")


def test_every_row_is_of_a_target_that_the_suite_has() -> None:
    """Ids change with what a target means; a row that outlives its target would be dead weight."""
    ids = {content_id(case.target) for case in (*cases("full"), *cases("networks"))}
    assert {run.target_id for run in read_table(TABLE)} <= ids


def test_a_target_has_one_row_for_each_gamma() -> None:
    rows = sorted(read_table(TABLE), key=lambda run: (run.target_id, run.component, run.localization))
    for _, same in groupby(rows, key=lambda run: (run.target_id, run.component, f"{run.localization:.4g}")):
        assert len(list(same)) == 1


def test_answers_hold_at_their_own_n_beta_and_gamma_and_at_no_other() -> None:
    run = read_table(TABLE)[0]
    answer = long_run_answer(run.target_id, run.n_beta, run.localization)
    assert answer is not None
    assert (answer.value, answer.mcse, answer.kind) == (run.value, run.mcse, "finite_temperature")
    assert long_run_answer(run.target_id, run.n_beta * 1.01, run.localization) is None
    assert long_run_answer(run.target_id, run.n_beta, run.localization * 1.01) is None


def test_a_trained_network_is_compared_with_its_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches answers that are looked up for targets with a formula alone, and those of another component."""
    training = Adam(num_steps=3, polish_steps=0)
    target = build_target(TrainedTarget(architecture=MLP(widths=(2,)), data=Digits(num_data=60), training=training))
    run = RUN._replace(target_id=target.target_id, n_beta=40.0)
    of_biases = run._replace(component="*/bias", value=1.0)
    monkeypatch.setattr("llcray.targets.long_runs.table", lambda: {run.target_id: (run, of_biases)})
    settings = {
        "posterior": PosteriorSpec(inverse_temperature=FixedProduct(value=40.0), localization=2.0),
        "sampling": SamplingSpec(budget=Budget(num_draws=8)),
    }
    e = estimate_llc(target, {"kind": "sgld", "batch_size": 20}, **settings)
    assert e.true_llc is not None and e.true_llc.value == run.value
    biases = estimate_llc(target, {"kind": "sgld", "batch_size": 20}, component="*/bias", **settings)
    assert biases.true_llc is not None and biases.true_llc.value == 1.0
    kernels = estimate_llc(target, {"kind": "sgld", "batch_size": 20}, component="*/kernel", **settings)
    assert kernels.true_llc is None


def test_a_table_that_was_written_is_read_back(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", [RUN])
    [read] = read_table(tmp_path / "table.csv")
    assert read == RUN._replace(value=pytest.approx(12.34567, rel=1e-5))


def test_long_runs_are_below_the_asymptotic_answer_of_a_regular_teacher() -> None:
    """gamma only takes away where the product has constant rank: catches a wrong factor in t, c or the loss."""
    [case] = [case for case in cases("full") if case.name.startswith("DLN #3 ")]
    oracle = build_target(case.target).oracle
    [run] = [run for run in read_table(TABLE) if run.target_id == content_id(case.target)]
    assert oracle is not None
    limit = oracle.asymptotic()
    assert limit is not None
    assert 0.97 * limit.value < run.value < limit.value + 3 * run.mcse
