"""SIGKILL at every failpoint and at random moments loses nothing, doubles nothing, and leaves everything readable."""

import random
import time
from pathlib import Path

import llcray_storage as ls
import pytest

WRITE_POINTS = (
    "local.tmp_unsynced",
    "local.tmp_written",
    "local.linked",
    "commit.encoded",
    "commit.draws_put",
    "commit.run_put",
)
COMPACTION_POINTS = ("compact.commits_put", "compact.details_put", "compact.published", "vacuum.deleted")
COUNT = 6


def assert_whole(root: str, worker, count: int, sweep: str = "storm") -> None:
    """Assert that readers see every run once with its own draws, and that `verify` finds no error."""
    runs = ls.scan_runs(root, sweep, latest=False).select("run_id", "llc").collect().sort("run_id")
    assert runs.rows() == [(worker.row_of(n)["run_id"], float(n)) for n in range(count)]
    draws = ls.scan_draws(root, sweep).select("run_id", "chain", "centered_loss").collect().sort("run_id", "chain")
    assert draws["run_id"].to_list() == [worker.row_of(n)["run_id"] for n in range(count) for _ in range(2)]
    assert [set(values) for values in draws["centered_loss"]] == [{float(n)} for n in range(count) for _ in range(2)]
    assert ls.verify(root, deep=True).ok


@pytest.mark.parametrize("point", WRITE_POINTS)
def test_a_writer_killed_at_any_point_leaves_each_run_whole_or_absent_and_a_rerun_completes(
    dataset, root, processes, worker, point
):
    assert processes.run(do="write", root=root, count=COUNT, kill_at=point, kill_on=4) == -9
    so_far = ls.finished(root, "storm")
    drawn = set(ls.scan_draws(root).collect()["run_id"])
    assert drawn == set(so_far)
    assert processes.run(do="write", root=root, count=COUNT) == 0
    assert_whole(root, worker, COUNT)
    ls.vacuum(root, grace_seconds=-60.0)
    assert ls.verify(root, deep=True).findings == ()


@pytest.mark.parametrize("point", COMPACTION_POINTS)
def test_a_compactor_killed_at_any_point_changes_no_row(dataset, root, processes, worker, point):
    assert processes.run(do="write", root=root, count=COUNT) == 0
    for kill_on in (1, 3) if point == "vacuum.deleted" else (1,):
        job = {"do": "compact", "root": root, "grace": -60.0, "kill_at": point, "kill_on": kill_on}
        assert processes.run(**job) == -9
        assert_whole(root, worker, COUNT)
    assert processes.run(do="compact", root=root, grace=-60.0) == 0
    assert_whole(root, worker, COUNT)
    assert ls.verify(root, deep=True).findings == ()


def test_a_builder_killed_before_its_row_leaves_a_target_to_build(dataset, root, processes):
    assert processes.run(do="write_target", root=root, kill_at="target.artifact_put") == -9
    assert dataset.read_target("target") is None
    assert processes.run(do="write_target", root=root) == 0
    assert dataset.read_target("target") is not None


def test_a_collector_killed_half_way_leaves_no_half_target(dataset, root, processes):
    assert processes.run(do="write_target", root=root) == 0
    assert processes.run(do="gc", root=root, grace=-60.0, kill_at="gc.deleted") == -9
    assert dataset.read_target("target") is None
    assert ls.gc(root, unused_seconds=-60.0).num_bytes > 0
    assert ls.verify(root, deep=True).findings == ()


def storm(root: str, tmp_path: Path, processes, worker, kills: int, count: int, grace: float) -> None:
    """Run two writers, a compactor and a reader at once, and kill one of them at random moments, `kills` times."""
    log, acknowledged = tmp_path / "log", tmp_path / "acknowledged"
    rng = random.Random(kills)
    kinds = {
        "writer": {"do": "write", "count": count, "resume": True, "acknowledge": str(acknowledged)},
        "rival": {"do": "write", "count": count, "seed": 1, "acknowledge": str(acknowledged)},
        "compactor": {"do": "compact", "grace": grace, "forever": True, "pause": 0.05},
        "reader": {"do": "read"},
    }
    jobs = {name: {**job, "root": root, "log": str(log)} for name, job in kinds.items()}
    running = {name: processes.start(**job) for name, job in jobs.items()}
    for _ in range(kills):
        time.sleep(rng.uniform(0.0, 0.25))
        victim = rng.choice(["writer", "rival", "writer", "rival", "compactor", "reader"])
        processes.kill(running[victim])
        running[victim] = processes.start(**jobs[victim])
    for name in ("writer", "rival"):
        assert processes.wait(running[name]) == 0, log.read_text()
    for name in ("compactor", "reader"):
        processes.kill(running[name])
    assert not log.exists(), log.read_text()
    promised = {line.split()[0] for line in acknowledged.read_text().splitlines()}
    assert promised <= set(ls.finished(root, "storm"))
    assert processes.run(do="write", root=root, count=count) == 0
    ls.compact(root)
    assert_whole(root, worker, count)


def test_a_short_storm_of_kills_loses_and_doubles_nothing(dataset, root, tmp_path, processes, worker):
    storm(root, tmp_path, processes, worker, kills=20, count=80, grace=10.0)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hundred_kills_lose_and_double_nothing(dataset, root, tmp_path, processes, worker):
    storm(root, tmp_path, processes, worker, kills=100, count=750, grace=10.0)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kills_over_s3_lose_and_double_nothing(s3_environment, tmp_path, processes, worker):
    ls.Dataset.create_or_open(s3_environment)
    storm(s3_environment, tmp_path, processes, worker, kills=25, count=150, grace=30.0)
