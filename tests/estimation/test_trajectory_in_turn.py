"""A trial whose runs go on from one another: the same numbers whether or not it was interrupted."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import llcray_storage as ls
import pytest

from llcray.estimation.trial import RunOutcome, run_trial
from llcray.spec import RunSpec, SpecError, TrialPlan, load_sweep, runs_before, trials
from llcray.targets.variant import TrajectoryVariant

FILE = """
name: in_turn
question: Do runs along a training go on from one another?
targets:
  - data: {kind: modular, modulus: 7, train_fraction: 0.9}
    architecture: {kind: embedding_mlp, embedding_width: 4, width: 8}
    training: {kind: adam, num_steps: 60, batch_size: 8, precision: float32}
    checkpoints: {steps: [0, 20, 40, 60]}
replicates: 2
posterior: {inverse_temperature: {kind: n_beta, value: 2.0}, localization: 5.0}
samplers: [{kind: auto}]
sampling:
  num_chains: 2
  spectrum: "off"
  start: previous
  until: {relative_mcse: 0.3, rhat: 1.2}
  budget: {num_gradients: 3000}
"""


def sweep_of(folder: Path, text: str = FILE) -> tuple[RunSpec, ...]:
    (folder / "in_turn.yaml").write_text(text)
    return load_sweep(folder / "in_turn.yaml").runs


def step_of(run: RunSpec) -> int:
    assert isinstance(run.target, TrajectoryVariant) and run.target.step is not None
    return run.target.step


def estimates(outcomes: Iterable[RunOutcome]) -> dict[str, tuple[float, float]]:
    """LLC and work of runs, by id."""
    return {outcome.run_id: (outcome.row["llc"], outcome.row["num_gradients"]) for outcome in outcomes}


def kept_ends(dataset: ls.Dataset, runs: Sequence[RunSpec]) -> list[int]:
    """Steps of the runs whose ends are kept."""
    return sorted(step_of(run) for run in runs if dataset.load_end(run.run_id) is not None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[float, float]]]:
    """The folder of a trial that was not interrupted, and its estimates."""
    folder = tmp_path_factory.mktemp("whole")
    dataset = ls.Dataset.create_or_open(str(folder / "results"))
    runs = sweep_of(folder)
    done = estimates(run_trial(TrialPlan(runs), "in_turn", dataset))
    assert kept_ends(dataset, runs) == [60, 60]
    return folder, done


@pytest.mark.parametrize("ends", ["kept", "lost"])
def test_an_interrupted_trajectory_has_the_numbers_of_one_that_was_not(tmp_path: Path, whole, ends: str):
    """After the interruption the runs before are found at their ends, or done once more without a second row."""
    _, expected = whole
    dataset = ls.Dataset.create_or_open(str(tmp_path / "results"))
    runs = sweep_of(tmp_path)
    first = list(islice(run_trial(TrialPlan(runs), "in_turn", dataset), 3))
    done = {outcome.run_id for outcome in first}
    left = [run for run in runs if run.run_id not in done]
    if ends == "lost":
        for run in runs:
            dataset.drop_end(run.run_id)
    rest = list(run_trial(TrialPlan(tuple(left)), "in_turn", dataset, before=runs_before(left, runs)))
    assert {outcome.run_id for outcome in rest} == {run.run_id for run in left}
    assert estimates([*first, *rest]) == expected
    assert ls.scan_runs(str(tmp_path / "results"), "in_turn").collect().height == 8


def test_what_was_not_done_before_says_so(tmp_path: Path):
    runs = sweep_of(tmp_path)
    dataset = ls.Dataset.create_or_open(str(tmp_path / "results"))
    with pytest.raises(ValueError, match="whose end is not kept"):
        list(run_trial(TrialPlan(runs[-1:]), "in_turn", dataset))


def test_runs_follow_one_another_by_step_and_are_not_parted(tmp_path: Path):
    runs = sweep_of(tmp_path)
    by_id = {run.run_id: run for run in runs}
    assert len(by_id) == 8
    for run in runs:
        before = by_id.get(run.follows or "")
        assert (step_of(before) if before else None) == {0: None, 20: 0, 40: 20, 60: 40}[step_of(run)]
        assert before is None or before.series_id == run.series_id
    assert [len(plan.runs) for plan in trials(runs, 8)] == [4, 4]
    assert [run.run_id for plan in trials(runs, 8) for run in plan.runs] == [run.run_id for run in runs]


def test_a_sweep_that_starts_at_the_centers_has_the_ids_that_it_had(tmp_path: Path):
    """The default start is no part of an identity, and a run that follows another has an id of its own."""
    at_center = sweep_of(tmp_path, FILE.replace("start: previous", "start: center"))
    without = sweep_of(tmp_path, FILE.replace("  start: previous\n", ""))
    following = sweep_of(tmp_path)
    assert [run.run_id for run in at_center] == [run.run_id for run in without]
    assert not {run.run_id for run in following} & {run.run_id for run in without}
    assert {run.series_id for run in following}.isdisjoint(run.series_id for run in without)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("{kind: auto}", "{kind: sgld, step_size: 1e-3, batch_size: 8}"), "a sampler of this sweep is sgld"),
        (("    checkpoints: {steps: [0, 20, 40, 60]}\n", ""), "is for checkpoints of a training"),
        (("replicates: 2", "conduct: {halving: {factor: 2}}"), "halving gives up runs"),
    ],
)
def test_a_start_that_cannot_be_is_refused(tmp_path: Path, changed: tuple[str, str], message: str):
    with pytest.raises(SpecError, match=message):
        sweep_of(tmp_path, FILE.replace(*changed))
