"""An experiment's findings are checked against its dataset: numbers within bounds, events that come sooner."""

from pathlib import Path

import llcray_storage as ls
import pytest
from pydantic import ValidationError
from rich.console import Console

from llcray.driver import SweepOptions
from llcray.experiment.checks import carry_out, p_value_of
from llcray.experiment.command import run_experiment
from llcray.spec import load_sweep
from llcray.spec.findings import Finding, Sooner
from llcray.spec.problems import SpecError

FILE = """
name: tiny
question: Is the LLC of a quadratic half its parameters?
targets: [{kind: quadratic, num_params: 4, num_data: 1000}]
posterior: {localization: 0.001}
samplers: [{kind: hmc}]
sampling: {num_chains: 2, until: {relative_mcse: 0.2, rhat: 1.2}, budget: {num_draws: 512}}
sizes:
  smoke: [targets.num_params=2]
checks:
  - {claim: the LLC is half the parameters, sql: "SELECT AVG(llc) FROM runs", at_least: 1.5, at_most: 2.5}
  - {claim: small ones have half of two, sql: "SELECT AVG(llc) FROM runs", at_least: 0.7, at_most: 1.3, sizes: [smoke]}
  - {claim: the LLC is five, sql: "SELECT AVG(llc) FROM runs", at_least: 5}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(FILE)
    return path


def test_only_the_runs_of_a_size_are_looked_at(file: Path, tmp_path: Path):
    """Both sizes are in the dataset; a mean over both would be 1.5."""
    root = str(tmp_path / "results")
    dataset = ls.Dataset.create_or_open(root)
    for size, llc in (((), 2.0), (("targets.num_params=2",), 1.0)):
        (run,) = load_sweep(file, size).runs
        dataset.write_run({"run_id": run.run_id, "sweep": "tiny", "status": "done", "llc": llc})
    found = carry_out(load_sweep(file), "laptop", root)
    assert [(finding.value, finding.reproduced) for finding in found] == [(2.0, True), (2.0, False)]
    (small,) = carry_out(load_sweep(file, ("targets.num_params=2",)), "smoke", root)
    assert small.value == 1.0 and small.reproduced


def trainings(direct: list[int | None], tuned: list[int | None]):
    import polars as pl

    labels = ["direct"] * len(direct) + ["tuned"] * len(tuned)
    ids = [str(number) for number in range(len(labels))]
    return pl.DataFrame({"trajectory_id": ids, "label": labels, "grokking_step": [*direct, *tuned]})


def test_trainings_that_never_get_there_count_as_later_than_all_that_do():
    """Exact Mann-Whitney of 5 against 5 without overlap: 1 / binomial(10, 5) = 1/252."""
    test = Sooner(event="grokking_step", sooner="tuned", later="direct")
    p_value, said = p_value_of(test, trainings([9000, 9500, 9600, 9700, None], [1, 2, 3, 4, 5]))
    assert p_value == pytest.approx(1 / 252)
    assert "direct: 4 of 5 trainings, median 9,600 steps" in said
    dropped, _ = p_value_of(test, trainings([None] * 4 + [1], [2, 3, 4, 5, 6]))
    assert dropped is not None and dropped < 0.1


def test_a_group_without_runs_is_no_finding():
    p_value, said = p_value_of(Sooner(event="grokking_step", sooner="x", later="direct"), trainings([1], [2]))
    assert p_value is None and "no runs of x" in said
    assert not Finding(claim="c", sql="SELECT 1", at_most=1.0).holds(p_value)


@pytest.mark.parametrize(
    ("fields", "said"), [({"sql": "SELECT 1"}, "needs a bound"), ({"at_most": 1.0}, "either `sql` or `sooner`")]
)
def test_a_check_that_cannot_fail_is_refused(fields: dict, said: str):
    with pytest.raises(ValidationError, match=said):
        Finding(claim="c", **fields)


@pytest.mark.parametrize(
    "function", ["read_csv('x')", "READ_PARQUET ('x')", "\"read_json\"('http://x')", "read_ipc\n('x')"]
)
def test_a_check_reads_no_file(function: str):
    with pytest.raises(ValidationError, match="and no file"):
        Finding(claim="c", sql=f"SELECT COUNT(*) FROM {function}", at_least=1)


def test_an_experiment_runs_a_size_and_says_what_is_reproduced(file: Path, tmp_path: Path):
    console = Console(record=True, width=200)
    options = SweepOptions(storage=str(tmp_path / "results"), max_concurrent=1, quiet=True)
    assert run_experiment(str(file), "smoke", options, True, console) == 0
    assert "reproduced     small ones have half of two: " in console.export_text()


def test_an_unknown_size_or_name_is_said(file: Path):
    with pytest.raises(SpecError, match="sizes are laptop, smoke"):
        run_experiment(str(file), "huge", SweepOptions(), False, Console())
    with pytest.raises(SpecError, match="there is no such file"):
        run_experiment("nothing", "smoke", SweepOptions(), False, Console())
