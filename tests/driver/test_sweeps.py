"""Sweeps from end to end, on a real Ray with two processors."""

from pathlib import Path
from typing import Any

import llcray_storage as ls
import polars as pl

from llcray.driver import SweepOptions, run_sweep

QUADRATICS = "[{kind: quadratic, num_params: {grid: [3, 5]}, num_data: 200}]"
ONE_WORKER: dict[str, Any] = {"max_concurrent": 1}
"""For sweeps where two workers, each of which has to load JAX, show no more than one does."""


def rows(storage: Path, latest: bool = True) -> pl.DataFrame:
    return ls.scan_runs(str(storage), latest=latest).collect().sort("run_id")


def losses(storage: Path) -> pl.DataFrame:
    return ls.scan_draws(str(storage)).select("run_id", "chain", "centered_loss").collect().sort("run_id", "chain")


def test_a_sweep_leaves_one_good_row_a_run_and_says_where_to_look(done):
    storage, printed = done.storage, done.printed
    found = rows(storage, latest=False)
    assert found["status"].to_list() == ["done"] * 4
    assert found["run_id"].n_unique() == 4
    assert found["generation"].to_list() == [1] * 4
    assert "4 runs done" in printed and "llcray query" in printed and ".png" in printed
    assert printed.startswith("tiny: 4 runs to do; workers are starting")
    assert "ray" not in printed.lower().replace("llcray", "")


def test_a_finished_sweep_is_not_run_again(done, screen):
    path, storage = done.path, done.storage
    before = rows(storage)
    assert run_sweep(path, SweepOptions(storage=str(storage)), screen) == 0
    assert "nothing to do" in screen.text
    assert rows(storage).equals(before)


def test_force_writes_a_next_generation_with_the_same_draws(done, screen):
    path, storage = done.path, done.storage
    before = losses(storage)
    assert run_sweep(path, SweepOptions(storage=str(storage), force=True, **ONE_WORKER), screen) == 0
    assert rows(storage)["generation"].to_list() == [2] * 4
    assert losses(storage).equals(before)


def test_seeds_added_later_reuse_what_exists(done, screen):
    path, storage = done.path, done.storage
    options = SweepOptions(storage=str(storage), overrides=("replicates=2",), **ONE_WORKER)
    assert run_sweep(path, options, screen) == 0
    assert len(rows(storage)) == 8
    assert rows(storage)["generation"].to_list() == [1] * 8


def test_a_sweep_all_of_whose_runs_failed_says_how_to_run_them_again(cluster, sweep_file, tmp_path, screen):
    """It advised plots and reports, of which there can be none."""
    path, storage = sweep_file("[{kind: python, factory: 'driver_targets:broken'}]"), str(tmp_path / "results")
    assert run_sweep(path, SweepOptions(storage=storage, overrides=("samplers=[{kind: hmc}]",)), screen) == 1
    assert "1 run: 1 failed" in screen.text
    assert "llcray plot" not in screen.text and "llcray report" not in screen.text
    assert "Once mended, with --retry-failed: llcray sweep" in screen.text


def test_an_exception_fails_its_runs_with_a_reason_and_no_others(partly_failed_once):
    found = rows(partly_failed_once.storage)
    assert found.group_by("status").len().sort("status").rows() == [("done", 2), ("failed", 4)]
    reasons = found.filter(pl.col("status") == "failed")["reason"].to_list()
    assert sum("ValueError: this target cannot be built [driver_targets.py" in reason for reason in reasons) == 2
    assert all("\n" not in reason for reason in reasons)
    assert "this target cannot be built" in partly_failed_once.printed


def test_a_run_that_fails_in_a_pack_does_not_fail_the_others(cluster, sweep_file, tmp_path, screen):
    path = sweep_file("[{kind: python, factory: 'driver_targets:regular'}]")
    storage = tmp_path / "results"
    overrides = ("samplers.0.batch_size={grid: [20, 500]}",)
    options = SweepOptions(storage=str(storage), overrides=overrides, **ONE_WORKER)
    assert run_sweep(path, options, screen) == 1
    found = rows(storage).sort("sampler_batch_size")
    assert found["status"].to_list() == ["done", "done", "failed", "failed"]
    assert all("batch_size 500" in reason for reason in found["reason"].to_list()[2:])


def test_a_target_that_cannot_be_trained_fails_alone_in_its_pack(cluster, sweep_file, tmp_path, screen):
    path = sweep_file(
        "[{architecture: {kind: mlp, widths: [2]}, teacher: {kind: mlp, widths: [2]},"
        " data: {kind: gaussian, input_dimension: 2, num_data: 100},"
        " training: {kind: sgd, learning_rate: {grid: [1.0e+9, 0.01, 0.02, 0.03]}, num_steps: 100, polish_steps: 0}}]"
    )
    storage = tmp_path / "results"
    assert run_sweep(path, SweepOptions(storage=str(storage)), screen) == 1
    found = rows(storage)
    assert found["trial_id"].n_unique() == 2  # one a processor
    failed = found.filter(pl.col("status") == "failed")
    assert failed["training_learning_rate"].to_list() == [1e9, 1e9]
    assert all("Training diverged" in reason for reason in failed["reason"])
    assert len(found.filter(pl.col("status") == "done")) == 6


def test_failed_runs_are_run_again_only_when_asked(partly_failed, screen):
    path, storage = partly_failed.path, partly_failed.storage
    assert run_sweep(path, SweepOptions(storage=str(storage)), screen) == 1
    assert rows(storage)["generation"].to_list() == [1] * 6
    assert run_sweep(path, SweepOptions(storage=str(storage), retry_failed=True, **ONE_WORKER), screen) == 1
    generations = rows(storage).group_by("status", "generation").len().sort("status").rows()
    assert generations == [("done", 1, 2), ("failed", 2, 4)]


def test_a_time_budget_stops_the_sweep_and_keeps_what_is_finished(done, sweep_file, screen):
    path = sweep_file(
        f"[{QUADRATICS[1:-1]}, {{kind: python, factory: 'driver_targets:slow', arguments: {{seconds: 60}}}}]"
    )
    assert run_sweep(path, SweepOptions(storage=str(done.storage), time_budget=3, **ONE_WORKER), screen) == 130
    assert len(rows(done.storage)) == 4
    assert "4 finished runs kept" in screen.text and "2 left" in screen.text


def test_nothing_is_left_in_the_dataset_but_the_dataset(done):
    assert {path.name for path in done.storage.iterdir()} <= {
        "llcray.json",
        "_llcray",
        "runs",
        "draws",
        "targets",
        "sweeps",
        "plots",
    }
