"""`llcray remove` asks first, removes what was meant, and says what is wrong in one line."""

from pathlib import Path

import llcray_storage as ls
import pytest
from click.testing import CliRunner, Result

from llcray.cli import main


@pytest.fixture
def results(tmp_path: Path) -> str:
    root = str(tmp_path / "results")
    dataset = ls.Dataset.create_or_open(root)
    for sweep in ("a", "b"):
        for seed in range(4):
            status = (
                {"status": "failed", "reason": "?"} if seed == 3 else {"status": "done", "verdict": "ok", "llc": 1.0}
            )
            dataset.write_run({"run_id": f"{sweep}{seed}", "sweep": sweep, "seed": seed, **status})
    return root


def run(*words: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, ["remove", *words], input=answer)


def ids_of(root: str) -> list[str]:
    return sorted(ls.scan_runs(root).collect()["run_id"])


ALL = ["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"]
MEANT = {
    "a sweep": (["--sweep", "a"], ["b0", "b1", "b2", "b3"]),
    "failed runs": (["--sweep", "a", "--filter", 'status == "failed"'], [name for name in ALL if name != "a3"]),
    "runs by number": (["--sweep", "b", "--filter", "seed >= 2"], ["a0", "a1", "a2", "a3", "b0", "b1"]),
    "named runs": (["--sweep", "b", "--run", "b1", "--run", "b2"], ["a0", "a1", "a2", "a3", "b0", "b3"]),
    "named runs that a filter keeps": (["--sweep", "b", "--run", "b1", "--run", "b2", "--filter", "seed > 1"],
                                       ["a0", "a1", "a2", "a3", "b0", "b1", "b3"]),
}  # fmt: skip
MISTAKES = {
    "a sweep that is not there": (["--sweep", "aa"], "did you mean 'a'?"),
    "a run of another sweep": (["--sweep", "a", "--run", "b1"], "no run 'b1'"),
    "a filter that keeps nothing": (["--sweep", "a", "--filter", "seed > 9"], "nothing to remove"),
    "a filter that means nothing": (["--sweep", "a", "--filter", "sed > 9"], "did you mean"),
    "no sweep": ([], "--sweep"),
    "a path for a sweep": (["--sweep", "../a"], "cannot be a folder"),
}


@pytest.mark.parametrize(("words", "kept"), MEANT.values(), ids=MEANT)
def test_what_was_meant_is_removed_after_a_yes(results, words, kept):
    refused = run(results, *words, answer="n\n")
    assert refused.exit_code == 130 and "Nothing was removed" in refused.output
    assert run(results, *words).exit_code == 130, "nobody answers"
    assert ids_of(results) == ALL
    done = run(results, *words, answer="y\n")
    assert done.exit_code == 0, done.output
    assert f"{len(ALL) - len(kept)} run" in done.output
    assert ids_of(results) == kept
    assert ls.verify(results, deep=True).ok


def test_nobody_is_asked_with_yes(results):
    assert run(results, "--sweep", "a", "--yes").exit_code == 0
    assert ids_of(results) == ALL[4:]


@pytest.mark.parametrize(("words", "part"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_line_and_remove_nothing(results, words, part):
    result = run(results, *words, "--yes")
    assert result.exit_code == 2
    assert part in result.stderr and len(result.stderr.splitlines()) == 1, result.stderr
    assert ids_of(results) == ALL
