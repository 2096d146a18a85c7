"""The sweeps that ship."""

from pathlib import Path

import pytest

from llcray.architectures import MLP
from llcray.spec import load_sweep
from llcray.targets import TrainedTarget

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_experiment_is_valid_and_its_header_says_how_many_runs_it_has(path: Path) -> None:
    """Catches a shipped sweep that no longer loads, and a header that has gone stale."""
    sweep = load_sweep(path)
    assert f"# Runs: {len(sweep.runs)} = " in sweep.source
    for heading in ("# Question: ", "# Device-hours: ", "# Expected: ", "# Outcome: "):
        assert heading in sweep.source


def test_the_teacher_student_sweep_varies_each_axis_alone() -> None:
    """Catches a product, which would be thousands of runs."""
    targets = {run.target_id: run.target for run in load_sweep(EXPERIMENTS / "teacher_student.yaml").runs}
    students = [target for target in targets.values() if isinstance(target, TrainedTarget) and target.seed == 0]
    base = students[0]
    axes = ("architecture", "data", "noise", "likelihood")
    assert all(sum(getattr(each, axis) != getattr(base, axis) for axis in axes) <= 1 for each in students)
    architectures = [each.architecture for each in students if isinstance(each.architecture, MLP)]
    assert {each.num_params for each in architectures} == {None, 500, 700, 1000, 1500, 2000, 5000, 10000}
    assert {each.depth for each in architectures} == {None, 1, 2, 3, 4}
    assert {each.noise.kind for each in students} == {"gaussian", "heteroscedastic", "student_t", "outliers"}


def test_the_teacher_student_sweep_scales_down_by_overrides() -> None:
    """Catches a try, written in the header, that the command line refuses."""
    given = ["replicates=1", "targets.data.num_data=500", "targets.training.num_steps=500"]
    sweep = load_sweep(EXPERIMENTS / "teacher_student.yaml", [*given, "sampling.budget.num_gradients=2000"])
    assert len(sweep.runs) == 25
    assert all(
        isinstance(run.target, TrainedTarget) and run.target.data.model_dump()["num_data"] == 500 for run in sweep.runs
    )
