"""The command line: what it imports, how it ends, what it says to users."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llcray.cli import main
from llcray.cli.options import Duration

HEAVY = ("jax", "ray", "polars", "pyarrow", "matplotlib", "numpy", "pydantic")
COMMANDS = (
    "compact", "diagnose", "experiment", "export", "gc", "import", "plan", "plot", "promote", "query",
    "remove", "report", "stages", "status", "sweep", "verify",
)  # fmt: skip


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def assert_one_line(result: Result, *parts: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for part in parts:
        assert part in result.stderr


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom llcray.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_lists_every_command_once_with_its_whole_first_sentence():
    """Catches a command under no heading, and summaries that end in dots."""
    shown = run("--help").output
    listed = [command.name for commands in main.sections.values() for command in commands]
    assert sorted(filter(None, listed)) == sorted(main.commands)
    summaries = shown.partition("Write a sweep:")[2]
    assert "..." not in summaries and all(f"\n  {name} " in summaries for name in main.commands)


def test_language_commands_are_one_line_of_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A newcomer's first three commands; the schema is what an editor reads."""
    monkeypatch.chdir(tmp_path)
    assert "llcray sweep first.yaml" in run("new", "first.yaml").output
    assert_one_line(run("new", "first.yaml"), "first.yaml: exists already")
    assert "step_size: 1.0e-05" in run("explain", "samplers.sgld").output
    assert_one_line(run("explain", "samplers.sgdl"), "nearest names: sgld")
    assert "$schema=s.json" in run("schema", "-o", "s.json").output
    assert json.loads(Path("s.json").read_text()) == json.loads(run("schema").output)


def test_looking_at_results_imports_neither_jax_nor_ray():
    modules = "plots.plot, tables, query, promote, export.netcdf, page.page, diagnostics.diagnose"
    imports = "".join(f"import llcray.report.{name}\n" for name in modules.split(", "))
    code = f"import sys\n{imports}print([name for name in ('jax', 'ray', 'flax', 'optax') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_a_misspelt_command_is_one_line_with_the_nearest_one():
    assert_one_line(run("statu"), "statu", "status")


def test_an_unknown_option_is_one_line():
    assert_one_line(run("plot", "--colour", "x"), "--colour")


@pytest.mark.parametrize("command", ["status", "plot", "report", "verify", "compact", "gc"])
def test_a_missing_dataset_is_one_line(command: str, tmp_path: Path):
    assert_one_line(run(command, tmp_path / "nothing"), "no dataset")


def test_a_missing_sweep_file_is_one_line(tmp_path: Path):
    assert_one_line(run("plan", tmp_path / "nothing.yaml"), "nothing.yaml")


def test_a_missing_extra_is_named_with_the_command_that_installs_it(tmp_path: Path):
    """As on a machine with the base install: `import ray` fails."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ray'] = None\n")
    code = (
        "from llcray.cli.command_group import user_line\n"
        "try:\n    import ray\nexcept ImportError as error:\n    print(user_line(error))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "'ray'" in done.stdout
    assert 'python -m pip install "llcray[cpu]"' in done.stdout


def test_a_defect_of_ours_is_not_dressed_up_as_a_user_error():
    from llcray.cli.command_group import user_line

    assert user_line(KeyError("x")) is None
    assert user_line(ModuleNotFoundError("no module", name="llcray.nothing")) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1h30m", 5400), ("1d", 86400)]
)
def test_durations_are_seconds(text: str, seconds: float):
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["soon", "2 h", "-3m", "0", "1x", ""])
def test_a_wrong_duration_is_refused(text: str, tmp_path: Path):
    remedy = "above zero" if text == "0" else "1h30m"
    assert_one_line(run("sweep", tmp_path / "a.yaml", f"--time-budget={text}"), remedy)


def test_diagnose_wants_a_run_or_all():
    assert_one_line(run("diagnose", "results"), "RUN_ID", "--all")
