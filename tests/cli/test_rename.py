"""`llcray rename` asks first; a sweep that is not there is named with the nearest one by every command."""

from pathlib import Path

import llcray_storage as ls
import pytest
from click.testing import CliRunner, Result

from llcray.cli import main


@pytest.fixture
def results(tmp_path: Path) -> str:
    root = str(tmp_path / "results")
    dataset = ls.Dataset.create_or_open(root)
    for sweep in ("quickstart", "b"):
        dataset.write_run({"run_id": f"{sweep}0", "sweep": sweep, "status": "done", "verdict": "ok", "llc": 1.0})
    return root


def run(*words: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, list(words), input=answer)


def sweeps_of(root: str) -> list[str]:
    return sorted(ls.scan_runs(root).collect()["sweep"])


def test_a_sweep_is_renamed_after_a_yes(results):
    refused = run("rename", results, "quickstart", "first", answer="n\n")
    assert refused.exit_code == 130 and "Nothing was renamed" in refused.output
    assert sweeps_of(results) == ["b", "quickstart"]
    done = run("rename", results, "quickstart", "first", answer="y\n")
    assert done.exit_code == 0 and "Renamed: 1 run." in done.output, done.output
    assert sweeps_of(results) == ["b", "first"]
    assert run("rename", results, "first", "again", "--yes").exit_code == 0
    assert sweeps_of(results) == ["again", "b"]


COMMANDS = {
    "status": ["status", "URI", "--sweep", "quikstart"],
    "plot": ["plot", "URI", "--sweep", "quikstart"],
    "report": ["report", "URI", "--sweep", "quikstart"],
    "stages": ["stages", "URI", "--sweep", "quikstart"],
    "diagnose": ["diagnose", "URI", "--all", "--sweep", "quikstart"],
    "promote": ["promote", "URI", "--to", "DIR", "--sweep", "quikstart"],
    "compact": ["compact", "URI", "--sweep", "quikstart"],
    "remove": ["remove", "URI", "--sweep", "quikstart"],
    "rename": ["rename", "URI", "quikstart", "new"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_sweep_that_is_not_there_is_named_with_the_nearest(results, tmp_path, words):
    filled = [{"URI": results, "DIR": str(tmp_path / "to")}.get(word, word) for word in words]
    result = run(*filled)
    assert result.exit_code == 2, result.output
    assert "no run of a sweep 'quikstart': did you mean 'quickstart'?" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_sweeps_that_there_are_are_listed_where_none_is_near(results):
    assert "it has 'b', 'quickstart'." in run("status", results, "--sweep", "zzz").stderr
