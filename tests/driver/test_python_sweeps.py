"""`llcray.sweep`: the command line's driver, dataset and ids, from a mapping."""

from pathlib import Path
from typing import Any

import llcray_storage as ls
import pytest

import llcray
from llcray.driver import SweepOptions, run_sweep
from llcray.samplers import SGLD
from llcray.spec import SpecError, load_sweep

SWEEP: dict[str, Any] = {
    "name": "squares",
    "question": "Is the LLC half the number of parameters?",
    "targets": [{"kind": "quadratic", "num_params": {"grid": [2, 4]}, "num_data": 500}],
    "samplers": [SGLD(step_size=1e-3, batch_size=20)],
    "sampling": {"num_chains": 2, "until": {"relative_mcse": 0.2, "rhat": 1.2}, "budget": {"num_draws": 512}},
}


def test_a_mapping_runs_once_and_the_command_line_finds_its_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Catches ids or rows that differ between Python and the command line: the file has nothing left to do."""
    root = tmp_path / "results"
    results = llcray.sweep(SWEEP, storage=root, quiet=True, max_concurrent=1)
    assert results.frame["llc"].sort().to_list() == pytest.approx([1.0, 2.0], abs=0.5)
    [asked] = ls.sweep_files(str(root), "squares")
    file = tmp_path / "any_name.yaml"
    file.write_text(asked.source)
    assert [run.run_id for run in load_sweep(file).runs] == list(results.run_ids)
    capsys.readouterr()
    assert run_sweep(file, SweepOptions(storage=str(root))) == 0
    assert "nothing to do: 2 runs" in capsys.readouterr().out


def test_mistakes_of_a_mapping_are_said_before_ray_starts(tmp_path: Path):
    with pytest.raises(SpecError, match=r"samplers\.0: unknown key 'lr'; here it is 'step_size'"):
        llcray.sweep(SWEEP | {"samplers": [{"kind": "sgld", "lr": 1e-5}]}, storage=tmp_path)
    assert not list(tmp_path.iterdir())
