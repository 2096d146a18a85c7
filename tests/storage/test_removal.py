"""Runs and sweeps are removed whole; a removal that is killed anywhere leaves each run whole or gone, and can go on."""

import llcray_storage as ls
import numpy as np
import pytest

COUNT = 6
GONE = ["run00001", "run00004"]


def ids_of(root: str, sweep: str = "storm") -> list[str]:
    return sorted(ls.scan_runs(root, sweep).select("run_id").collect()["run_id"])


def assert_sound(root: str, ids: list[str]) -> None:
    """Assert that these runs are there once, each with its own draws, and nothing is damaged."""
    assert ids_of(root) == sorted(ids)
    draws = ls.scan_draws(root, "storm").select("run_id", "centered_loss").collect()
    assert sorted(draws["run_id"]) == sorted(2 * ids)
    assert all(set(values) == {float(run_id[3:])} for run_id, values in draws.iter_rows())
    assert ls.verify(root, deep=True).ok


def fill(dataset, worker, root: str, layout: str) -> list[str]:
    """Write six runs, as small files, in segments, in both, or as later generations of rows in segments."""
    for number in range(COUNT):
        dataset.write_run(worker.row_of(number), worker.chains_of(number))
        if layout == "both" and number == 2:
            ls.compact(root)
    if layout in ("segments", "later generations"):
        ls.compact(root)
    if layout == "segments alone":
        ls.compact(root, grace_seconds=-60.0)
        ls.compact(root, grace_seconds=-60.0)
    if layout == "later generations":
        for number in (1, 2):
            dataset.write_run({**worker.row_of(number), "generation": 2}, worker.chains_of(number))
    return [worker.row_of(number)["run_id"] for number in range(COUNT)]


LAYOUTS = ["small files", "segments", "segments alone", "both", "later generations"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_runs_are_removed_and_the_others_stay(dataset, worker, root, layout):
    ids = fill(dataset, worker, root, layout)
    ls.remove_runs(root, "storm", GONE)
    kept = [run_id for run_id in ids if run_id not in GONE]
    assert_sound(root, kept)
    ls.compact(root, grace_seconds=-60.0)
    ls.vacuum(root, grace_seconds=-60.0)
    assert_sound(root, kept)
    assert ls.verify(root, deep=True).findings == ()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_run_that_was_removed_can_be_computed_again(dataset, worker, root, layout):
    ids = fill(dataset, worker, root, layout)
    ls.remove_runs(root, "storm", GONE)
    for number in (1, 4):
        assert dataset.write_run(worker.row_of(number), worker.chains_of(number)).created
    assert_sound(root, ids)
    ls.compact(root, grace_seconds=-60.0)
    ls.vacuum(root, grace_seconds=-60.0)
    assert_sound(root, ids)


POINTS = ["compact.commits_put", "compact.details_put", "compact.published", "remove.deleted", "local.tmp_written"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(
    ("layout", "kill_on"),
    [("both", 1), ("later generations", 2)]
    + [
        pytest.param(layout, kill_on, marks=pytest.mark.slow)
        for layout, kill_on in (("both", 2), ("both", 3), ("later generations", 1), ("later generations", 3))
    ],
)
def test_a_removal_that_is_killed_leaves_each_run_whole_or_gone(
    dataset, worker, root, processes, layout, point, kill_on
):
    ids = fill(dataset, worker, root, layout)
    processes.run(do="remove", root=root, run_ids=GONE, kill_at=point, kill_on=kill_on)
    left = ids_of(root)
    assert {run_id for run_id in ids if run_id not in GONE} <= set(left) <= set(ids)
    assert_sound(root, left)
    generations = dict(ls.scan_runs(root, "storm").select("run_id", "generation").collect().iter_rows())
    if layout == "later generations":
        assert generations.get("run00001", 2) == 2, "an earlier generation is never shown again"
    assert processes.run(do="remove", root=root, run_ids=GONE) == 0
    assert_sound(root, [run_id for run_id in ids if run_id not in GONE])


def test_a_sweep_is_removed_with_all_that_belongs_to_it_and_nothing_else(dataset, worker, root):
    fill(dataset, worker, root, "both")
    dataset.write_run({**worker.row_of(0), "sweep": "other"}, worker.chains_of(0))
    dataset.write_target({"target_id": "t1"}, {"w": np.ones(2)})
    dataset.keep_unfinished("run00001", b"state")
    for sweep in ("storm", "other"):
        dataset.write_sweep_file(ls.SweepFile(sweep, "?", "name: x\n"))
    ls.remove_sweep(root, "storm")
    assert ids_of(root) == [] and ids_of(root, "other") == ["run00000"]
    assert ls.sweep_files(root, "storm") == [] and len(ls.sweep_files(root, "other")) == 1
    assert dataset.load_unfinished("run00001") is None
    assert dataset.read_target("t1") is not None
    ls.compact(root, grace_seconds=-60.0)
    ls.vacuum(root, grace_seconds=-60.0)
    assert ls.verify(root, deep=True).findings == ()
    ls.remove_sweep(root, "storm")


def test_a_removal_beside_compactions_and_writers_removes_what_it_was_asked(dataset, worker, root, processes):
    fill(dataset, worker, root, "both")
    compactor = processes.start(do="compact", root=root, grace=60.0, forever=True)
    for turn in range(5):
        for number in (1, 4):
            dataset.write_run({**worker.row_of(number), "generation": 2 + turn}, worker.chains_of(number))
        ls.remove_runs(root, "storm", GONE)
        assert not set(GONE) & set(ls.finished(root, "storm"))
    processes.kill(compactor)
    assert_sound(root, [f"run{number:05d}" for number in (0, 2, 3, 5)])
