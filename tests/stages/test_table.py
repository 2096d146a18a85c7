"""Stages land in the dataset: a rerun replaces them, queries join them with runs, verify and import know them."""

import shutil
from pathlib import Path

import llcray_storage as ls
import numpy as np
import pytest
from llcray_storage import StorageError
from rich.console import Console

from llcray.stages.command import find_stages

STEPS = np.unique(np.round(np.geomspace(1, 10_000, 40))).astype(int)


def llc(step: int, component: str) -> float:
    """A bump over `all`; nothing over `embed`."""
    return 10 + (40 * np.exp(-0.5 * ((np.log1p(step) - 5) / 1.2) ** 2) if component == "all" else 0.0)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of one trajectory with two components, of 5% error; made row by row, as trials write it."""
    root = tmp_path_factory.mktemp("written") / "results"
    dataset = ls.Dataset.create_or_open(str(root))
    rng = np.random.default_rng(0)
    for component in ("all", "embed"):
        for step in STEPS:
            row = {
                "run_id": f"{component}{step}",
                "series_id": f"series-{component}",
                "trajectory_id": "trajectory",
                "sweep": "s",
                "status": "done",
                "verdict": "ok",
                "component": component,
                "sampler_kind": "sgld",
                "seed": 0,
                "step": int(step),
                "num_chains": 4,
                "llc": llc(step, component) + rng.standard_normal(),
                "llc_mcse": 1.0,
                "llc_between_chain_sd": 0.5,
                "test_accuracy": float(step > 100),
            }
            dataset.write_run(row)
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> str:
    """A copy of the dataset."""
    return str(shutil.copytree(written, tmp_path / "results"))


def test_stages_of_each_series_are_written_and_printed(root: str):
    console = Console(record=True, width=200)
    find_stages(root, "s", "llc", "stages", console)
    frame = ls.scan_stages(root).collect().sort("series_id", "stage")
    assert frame["series_id"].to_list() == ["series-all", "series-all", "series-embed"]
    assert frame["direction"].to_list() == ["up", "down", "flat"]
    assert np.log1p(frame["end_step"][0]) == pytest.approx(5, abs=0.3)
    assert frame["end_step_low"][0] < frame["end_step"][0] < frame["end_step_high"][0]
    assert (frame.filter(series_id="series-all")["q_value"] < 0.05).all()
    assert frame.filter(series_id="series-embed")["q_value"][0] > 0.05
    assert "up" in console.export_text()


def test_a_rerun_replaces_what_was_found_and_other_metrics_stay(root: str):
    find_stages(root, "s", "llc", "stages", Console(quiet=True))
    find_stages(root, "s", "test_accuracy", "changepoints", Console(quiet=True))
    find_stages(root, "s", "llc", "stages", Console(quiet=True))
    frame = ls.scan_stages(root, "s").collect()
    assert frame.filter(metric="llc")["generation"].unique().to_list() == [2]
    shift = frame.filter(metric="test_accuracy", series_id="series-all", stage=1)
    assert shift["direction"].to_list() == ["up"]
    assert 90 < shift["start_step"][0] < 140


def test_stages_join_with_runs_in_sql(root: str):
    find_stages(root, "s", "llc", "stages", Console(quiet=True))
    query = (
        "SELECT DISTINCT stage, stages.component FROM stages JOIN runs USING (series_id) WHERE runs.component = 'all'"
    )
    assert ls.sql(root, query).height == 2


def test_stages_survive_an_import_and_damage_is_found(root: str, tmp_path: Path):
    find_stages(root, "s", "llc", "stages", Console(quiet=True))
    copy = str(tmp_path / "copy")
    ls.import_dataset(root, copy)
    assert ls.scan_stages(copy).collect().equals(ls.scan_stages(root).collect())
    (file,) = (tmp_path / "copy" / "stages" / "sweep=s").iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    report = ls.verify(copy, repair=True)
    assert [finding.kind for finding in report.findings if finding.is_error] == ["damaged"]
    assert ls.verify(copy).ok


@pytest.mark.parametrize(("metric", "said"), [("llcc", "no number column"), ("train_accuracy", "no series of five")])
def test_a_metric_without_a_series_is_one_line(root: str, metric: str, said: str):
    with pytest.raises(StorageError, match=said):
        find_stages(root, "s", metric, "stages", Console(quiet=True))
