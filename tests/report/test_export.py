"""Runs in trackers of experiments: written by the real clients, offline, and read back."""

import hashlib
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llcray_storage as ls
import pytest

from llcray.report.errors import ReportError
from llcray.report.export.runs import ExportedRun, exported_runs
from llcray.report.export.tensorboard_runs import write_event_files

LEVELDB_BLOCK = 32768
Known = dict[str, dict[int, float]]
"""The LLC at each step of each run, by its id."""


@pytest.fixture(scope="module")
def runs(small: Path) -> list[ExportedRun]:
    return exported_runs(small)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A curve of three checkpoints, a single estimate, a doubtful one, and a failed run."""
    root = tmp_path_factory.mktemp("small") / "results"
    dataset = ls.Dataset.create_or_open(root)
    known = {"sweep": "s", "status": "done", "verdict": "ok", "llc_sampling_se": 0.2, "localization_se": 1.0}
    series = {"series_id": name("curve"), "trajectory_id": name("training"), "sampler_kind": "auto"}
    for step in (0, 10, 100):
        row = {"run_id": name(f"at {step}"), "target_id": name(f"target {step}"), "step": step, "llc": 3.0 + step}
        dataset.write_run({**known, **series, **row, "architecture_widths": [16, 8], "num_params": 200})
    axes = {"sampler_kind": "hmc", "noise_rate": 0.1, "target_id": name("target"), "num_params": 200}
    dataset.write_run({**known, **axes, "run_id": name("single"), "llc": 7.0, "seed": 0})
    doubt = {"verdict": "not_converged", "verdict_reason": "Split R-hat is 1.2.", "llc": 9.0, "seed": 1}
    dataset.write_run({**known, **axes, **doubt, "run_id": name("doubtful")})
    failure = {"run_id": name("failed"), "sweep": "s", "status": "failed", "reason": "no memory", "seed": 2}
    dataset.write_run({**failure, "sampler_kind": "hmc"})
    return root


def name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


EXPECTED: Known = {
    name("curve"): {0: 3.0, 10: 13.0, 100: 103.0},
    name("single"): {0: 7.0},
    name("doubtful"): {0: 9.0},
    name("failed"): {},
}


def test_a_run_is_an_estimate_or_the_curve_along_a_training(runs):
    assert {run.id: llcs(run) for run in runs} == EXPECTED
    by_id = {run.id: run for run in runs}
    curve = by_id[name("curve")]
    assert curve.config["architecture_widths"] == "16-8" and "step" not in curve.config
    assert curve.last.texts["estimate"] == "LLC 103.00 ± 0.20 (sampling) ± 1.0 (localization)"
    assert by_id[name("single")].config["noise_rate"] == 0.1
    assert by_id[name("doubtful")].last.texts["verdict_reason"] == "Split R-hat is 1.2."
    assert by_id[name("failed")].last.failed
    assert len({run.name for run in runs}) == 4


def llcs(run: ExportedRun) -> dict[int, float]:
    return {point.step: point.numbers["llc"] for point in run.points if "llc" in point.numbers}


@pytest.mark.parametrize(("run_id", "ids"), [("single", ["single"]), ("at 10", ["curve"])])
def test_one_run_is_exported_with_the_curve_that_it_lies_on(small, run_id, ids):
    assert [run.id for run in exported_runs(small, "s", name(run_id)[:8])] == list(map(name, ids))


def test_an_unknown_run_is_named(small):
    with pytest.raises(ReportError, match=r"^there is no run zz to export: `llcray query` lists run_id\.$"):
        exported_runs(small, None, "zz")


def tensorboard(runs: list[ExportedRun], folder: Path) -> Known:
    read = pytest.importorskip("tensorboardX.proto.event_pb2", reason="tensorboardX is not installed: llcray[cpu]")
    write_event_files(runs, folder)
    found: Known = {}
    for file in folder.rglob("*tfevents*"):
        values = found.setdefault(file.name.split(".")[3], {})
        data, at = file.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack("<Q", data[at : at + 8])
            event = read.Event.FromString(data[at + 12 : at + 12 + length])
            llc = [value.simple_value for value in event.summary.value if value.tag == "estimate/llc"]
            if llc:
                values[event.step] = llc[0]
            at += 16 + length
    return found


def wandb(runs: list[ExportedRun], folder: Path) -> Known:
    pytest.importorskip("wandb", reason="wandb is not installed: llcray[wandb]")
    from llcray.report.export.wandb_runs import log_to_wandb

    said = log_to_wandb(runs, "llcray")
    assert f"wandb sync {folder}/wandb/offline-run-*" in said
    found: Known = {}
    for file in folder.rglob("*.wandb"):
        assert file.parent.name.endswith(file.stem.removeprefix("run"))
        assert file.stem.removeprefix("run-") not in found
        values = found.setdefault(file.stem.removeprefix("run-"), {})
        for record in wandb_records(file):
            items = {item.key or ".".join(item.nested_key): item.value_json for item in record.history.item}
            if "llc" in items:
                values[int(items["_step"])] = float(items["llc"])
    return found


def wandb_records(file: Path) -> Iterator[Any]:
    """The records of a `.wandb` file: a head of seven bytes, then LevelDB's log format."""
    from wandb.proto.wandb_internal_pb2 import Record  # pyright: ignore[reportMissingImports]

    data, at, parts = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if LEVELDB_BLOCK - at % LEVELDB_BLOCK < 7:
            at += LEVELDB_BLOCK - at % LEVELDB_BLOCK
            continue
        length, kind = struct.unpack("<HB", data[at + 4 : at + 7])
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield Record.FromString(parts)
            parts = b""


def mlflow(runs: list[ExportedRun], folder: Path) -> Known:
    client_of = pytest.importorskip("mlflow", reason="mlflow is not installed: llcray[mlflow]").MlflowClient
    from llcray.report.export.mlflow_runs import ID, log_to_mlflow

    assert log_to_mlflow(runs, "llc").endswith(f"runs in experiment 'llc' of sqlite:///{folder}/mlflow.db")
    client = client_of()
    kept = client.search_runs([client.get_experiment_by_name("llc").experiment_id])
    assert len({run.data.tags[ID] for run in kept}) == len(kept)
    by_id = {run.data.tags[ID]: run for run in kept}
    failed, curve = by_id[name("failed")], by_id[name("curve")]
    assert (failed.info.status, failed.data.tags["verdict"]) == ("FAILED", "failed")
    assert (curve.info.status, curve.data.tags["verdict"]) == ("FINISHED", "ok")
    assert curve.data.params["architecture_widths"] == "16-8"
    assert curve.data.metrics["llc_sampling_se"] == 0.2
    history = {key: client.get_metric_history(run.info.run_id, "llc") for key, run in by_id.items()}
    assert all(len(metrics) == len(EXPECTED[key]) for key, metrics in history.items())
    return {key: {metric.step: metric.value for metric in metrics} for key, metrics in history.items()}


@pytest.mark.filterwarnings("default")  # of the trackers' own packages
@pytest.mark.parametrize("tracker", [tensorboard, wandb, mlflow], ids=lambda tracker: tracker.__name__)
def test_a_tracker_holds_each_run_once_also_after_a_second_export(
    tracker: Callable[[list[ExportedRun], Path], Known],
    runs: list[ExportedRun],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    [single] = [run for run in runs if run.id == name("single")]
    assert tracker(runs, tmp_path) == EXPECTED
    assert tracker([single, *runs], tmp_path) == EXPECTED
