"""`llcray validate` end to end, on runs of a second."""

from io import StringIO
from pathlib import Path

import llcray_storage as ls
import pytest
from click.testing import CliRunner
from rich.console import Console

from llcray.cli import main
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import Auto
from llcray.sampling.spec import Budget, SamplingSpec
from llcray.spec import RunSpec
from llcray.targets import PythonTarget, QuadraticTarget, TargetSpec
from llcray.validation.run import SWEEP, validate_runs
from llcray.validation.suite import SuiteRun

SAMPLING = SamplingSpec(num_chains=2, budget=Budget(num_gradients=500))


def named(case: str, target: TargetSpec) -> SuiteRun:
    return SuiteRun(case, "auto", RunSpec(target=target, posterior=PosteriorSpec(), sampler=Auto(), sampling=SAMPLING))


QUADRATIC = named("a quadratic", QuadraticTarget(num_params=4, num_data=100))
BROKEN = named("a broken one", PythonTarget(factory="llcray_no_such_package:target"))


def validated(suite: list[SuiteRun], storage: Path, force: bool = False) -> tuple[int, str]:
    console = Console(file=StringIO(), width=100)
    code = validate_runs(suite, str(storage), force, console)
    assert isinstance(console.file, StringIO)
    return code, console.file.getvalue()


def test_a_second_call_computes_nothing_and_prints_the_same_table(tmp_path: Path) -> None:
    """Catches runs that are not found again, by id or by sweep."""
    code, first = validated([QUADRATIC], tmp_path)
    assert code == 0
    assert "1 runs in" in first
    code, second = validated([QUADRATIC], tmp_path)
    assert code == 0
    assert "1 of 1 were there already" in second
    table = first[first.index("target ") : first.index("1 runs in")]
    assert table in second


def test_force_computes_a_run_again_and_the_new_row_counts(tmp_path: Path) -> None:
    validated([QUADRATIC], tmp_path)
    validated([QUADRATIC], tmp_path, force=True)
    assert ls.scan_runs(str(tmp_path), SWEEP).collect()["generation"].to_list() == [2]


def test_a_run_that_raises_is_a_failed_row_with_its_reason_and_the_others_go_on(tmp_path: Path) -> None:
    code, said = validated([BROKEN, QUADRATIC], tmp_path)
    assert code == 1
    assert "a broken one, auto: no estimate" in said
    assert "llcray_no_such_package" in said
    statuses = ls.finished(str(tmp_path), SWEEP)
    assert statuses == {BROKEN.spec.run_id: "failed", QUADRATIC.spec.run_id: "done"}


def test_a_failed_run_is_tried_again(tmp_path: Path) -> None:
    validated([BROKEN], tmp_path)
    validated([BROKEN], tmp_path)
    assert ls.scan_runs(str(tmp_path), SWEEP).collect()["generation"].to_list() == [2]


def test_no_line_is_wider_than_the_terminal(tmp_path: Path) -> None:
    _, said = validated([BROKEN, QUADRATIC], tmp_path)
    table = said[said.index("target ") : said.index("Outside" if "Outside" in said else "  a broken one")]
    assert max(len(line) for line in table.splitlines()) <= 100


@pytest.mark.parametrize("kind", ["sgd", "AUTO"])
def test_an_unknown_sampler_is_one_line_that_lists_the_known_ones(kind: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["validate", "--storage", str(tmp_path), "--sampler", kind])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert kind in result.stderr
    assert "mclmc" in result.stderr
