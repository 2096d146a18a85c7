"""The suite: which targets and samplers it has, before anything runs."""

import subprocess
import sys

import pytest

from llcray.targets import TargetSpec
from llcray.validation.suite import KINDS, SIZES, Size, cases, suite_runs


@pytest.mark.parametrize("size", SIZES)
def test_every_run_of_a_size_has_a_name_and_an_identity_of_its_own(size: Size) -> None:
    """Catches a case written twice, of which the table would show one row twice."""
    runs = suite_runs(size)
    assert len({run.spec.run_id for run in runs}) == len(runs)
    assert len({(run.case, run.kind) for run in runs}) == len(runs)


@pytest.mark.parametrize("size", SIZES)
def test_auto_estimates_every_target_with_one_setting(size: Size) -> None:
    """No per-task number: all specs of the sampler and the sampling are equal."""
    runs = suite_runs(size, ["auto"])
    assert [run.case for run in runs] == [case.name for case in cases(size)]
    assert len({(run.spec.sampler, run.spec.sampling) for run in runs}) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_can_be_asked_for_has_runs_in_the_quickest_suite(kind: str) -> None:
    assert {run.spec.sampler.kind for run in suite_runs("quick", [kind])} == {kind}


def test_a_kind_asked_for_twice_runs_once() -> None:
    assert suite_runs("quick", ["hmc", "hmc"]) == suite_runs("quick", ["hmc"])


def test_the_full_suite_has_sixty_random_tasks_and_ten_random_networks() -> None:
    kinds = [kind_of(case.target) for case in cases("full")]
    assert kinds.count("random_deep_linear") == 60
    assert sum(kind == "realisable" for kind in kinds) - kinds_of_default().count("realisable") == 10


def test_the_random_suite_is_those_seventy_and_auto_alone() -> None:
    runs = suite_runs("random")
    assert len(runs) == 70
    assert {run.kind for run in runs} == {"auto"}


def test_the_suite_is_made_without_jax() -> None:
    """`llcray validate --help` and a wrong option claim no device."""
    code = (
        "import sys, llcray.validation.suite as s, llcray.validation.traps as t; "
        "s.suite_runs('full'), t.traps(); print('jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def kind_of(target: TargetSpec) -> str:
    return target.kind


def kinds_of_default() -> list[str]:
    return [kind_of(case.target) for case in cases("default")]
