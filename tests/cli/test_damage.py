"""A damaged dataset is one line that names what is damaged and the command that mends it."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import llcray_storage as ls
import numpy as np
import pytest
from click.testing import CliRunner

from llcray.cli import main


def run(*words: str):
    return CliRunner().invoke(main, words)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole") / "results"
    dataset = ls.Dataset.create_or_open(root)
    rng = np.random.default_rng(0)
    for number in range(3):
        series = rng.gamma(4.0, size=(2, 40))
        chains = [{"chain": chain, "n_beta": 10.0, "centered_loss": series[chain]} for chain in (0, 1)]
        row = {"run_id": f"r{number}", "target_id": "t1", "sweep": "s", "status": "done", "verdict": "ok", "llc": 4.0}
        numbers = {"llc_mcse": 0.1, "rhat": 1.0, "num_chains": 2, "num_draws": 40, "n_beta": 10.0, "seed": number}
        dataset.write_run({**row, **numbers, "sampler_kind": "hmc"}, chains)
    dataset.write_target({"target_id": "t1"}, {"w": np.ones(3)})
    return root


@pytest.fixture
def results(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "the results")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def garbled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-200:-8] = b"x" * 192
    path.write_bytes(bytes(data))


DAMAGE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "an empty commit": ("runs/sweep=s/t-r1.*", empty),
    "a cut commit": ("runs/sweep=s/t-r1.*", cut),
    "a garbled commit": ("runs/sweep=s/t-r1.*", garbled),
    "draws that are gone": ("draws/sweep=s/c-r1.*", Path.unlink),
    "empty draws": ("draws/sweep=s/c-r1.*", empty),
    "garbled draws": ("draws/sweep=s/c-r1.*", garbled),
    "an empty target": ("targets/t-t1.*", empty),
}
COMMANDS = {
    "status": ["status", "{root}"],
    "status of a sweep": ["status", "{root}", "--sweep", "s"],
    "report": ["report", "{root}", "-o", "{out}/report.html"],
    "plot": ["plot", "{root}", "-o", "{out}/plot.png"],
    "diagnose": ["diagnose", "{root}", "r1", "--plots", "rank", "-o", "{out}"],
    "diagnose --all": ["diagnose", "{root}", "--all", "--plots", "rank", "-o", "{out}"],
    "promote": ["promote", "{root}", "--to", "{out}", "--plots", "rank"],
    "query": ["query", "{root}", "SELECT * FROM runs"],
    "query draws": ["query", "{root}", "SELECT * FROM draws"],
    "query targets": ["query", "{root}", "SELECT * FROM targets"],
    "gc": ["gc", "{root}"],
    "compact": ["compact", "{root}"],
}
STOPPED = {
    *((damage, command) for damage in list(DAMAGE)[:2] for command in ("status", "report", "plot", "promote", "query")),
    *((damage, command) for damage in list(DAMAGE)[3:6] for command in ("report", "diagnose --all", "query draws")),
    ("an empty target", "query targets"),
}
"""Damage that a command cannot pass by; the others may."""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_line_that_names_what_mends_it(results, tmp_path, command, damage):
    pattern, spoil = DAMAGE[damage]
    [path] = results.glob(pattern)
    spoil(path)
    words = [word.format(root=results, out=tmp_path / "out") for word in COMMANDS[command]]
    result = run(*words)
    assert result.exit_code == 2 or (damage, command) not in STOPPED
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    if result.exit_code != 0:
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert f"`{shlex.join(['llcray', 'verify', str(results), '--repair'])}`" in result.stderr
    assert run("verify", str(results), "--repair").exit_code == 0
    mended = run(*words)
    if command != "diagnose":
        assert mended.exit_code == 0, mended.output
