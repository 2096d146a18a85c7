"""Many small files become few, while others write, read, compact and die; no row is lost or doubled."""

from pathlib import Path

import llcray_storage as ls
import polars as pl
import pytest
from llcray_storage.state.manifest import load_newest_manifest
from llcray_storage.state.segments import TARGET_BYTES
from llcray_storage.store import failpoints
from llcray_storage.store.layout import sweep_partition
from llcray_storage.store.settings import open_store

LONG_AGO = -60.0
"""A grace period that ended a minute from now: every file that does not count may be removed."""


@pytest.fixture
def storm_dataset(dataset, worker):
    """Twelve runs in small files."""
    for n in range(12):
        dataset.write_run(worker.row_of(n), worker.chains_of(n))
    return dataset


@pytest.fixture
def content():
    """A function that returns everything a reader sees, sorted."""

    def read(root: str) -> tuple[list, list]:
        runs = ls.scan_runs(root).collect().sort("sweep", "run_id").rows()
        draws = ls.scan_draws(root).collect().sort("sweep", "run_id", "chain").rows()
        return runs, [tuple(v.to_list() if isinstance(v, pl.Series) else v for v in row) for row in draws]

    return read


@pytest.fixture(autouse=True)
def no_observer_left():
    yield
    failpoints.observe(lambda point: None)


def files(root: str, pattern: str) -> list[str]:
    return sorted(path.name for path in Path(root).glob(pattern) if path.is_file())


def test_compaction_changes_no_row(storm_dataset, root, content):
    before = content(root)
    compacted = ls.compact(root, "storm")
    assert (compacted[0].absorbed, compacted[0].num_segments, compacted[0].left) == (12, 2, ())
    assert content(root) == before


def test_many_commits_are_absorbed_in_pieces(storm_dataset, root, content, monkeypatch):
    """All at once would take as much memory as the sweep has rows."""
    monkeypatch.setattr("llcray_storage.maintain.compact.COMMITS_AT_ONCE", 5)
    before = content(root)
    assert (ls.compact(root, "storm")[0].absorbed, content(root)) == (12, before)
    assert load_newest_manifest(open_store(root), sweep_partition("storm")).number == 3


def test_old_files_stay_for_readers_and_go_after_the_grace_period(storm_dataset, root, content):
    early = ls.scan_runs(root, "storm")
    before = content(root)
    ls.compact(root)
    assert len(files(root, "runs/*/t-*")) == 12
    assert early.collect().height == 12
    assert ls.vacuum(root, grace_seconds=LONG_AGO) == 24
    assert files(root, "runs/*/t-*") == files(root, "draws/*/c-*") == []
    assert content(root) == before


def test_compacting_again_does_nothing(storm_dataset, root):
    ls.compact(root)
    assert [one.absorbed for one in ls.compact(root)] == [0, 0]
    assert load_newest_manifest(open_store(root), sweep_partition("storm")).number == 1


def test_a_second_compaction_merges_small_segments(storm_dataset, root, worker, content):
    ls.compact(root)
    storm_dataset.write_run(worker.row_of(12), worker.chains_of(12))
    before = content(root)
    assert ls.compact(root, "storm")[0].num_segments == 2
    assert content(root) == before
    ls.vacuum(root, grace_seconds=LONG_AGO)
    assert len(files(root, "runs/*/seg-*")) == len(files(root, "draws/*/seg-*")) == 1
    assert content(root) == before


def test_full_segments_are_left_alone(dataset, root, new_row, new_chains, content, monkeypatch):
    monkeypatch.setitem(TARGET_BYTES, "draws", 60_000)
    for n in range(8):
        dataset.write_run(new_row(f"r{n}"), new_chains(seed=n, num_draws=2000))
    ls.compact(root)
    first = set(files(root, "draws/*/seg-*"))
    assert len(first) > 1
    dataset.write_run(new_row("r8"), new_chains(seed=8, num_draws=2000))
    before = content(root)
    ls.compact(root)
    ls.vacuum(root, grace_seconds=LONG_AGO)
    assert content(root) == before
    assert len(first & set(files(root, "draws/*/seg-*"))) >= len(first) - 1


def test_runs_written_during_a_compaction_are_kept(storm_dataset, root, worker, content):
    def write_one_more(point: str) -> None:
        if point == "compact.commits_put":
            failpoints.observe(lambda point: None)
            storm_dataset.write_run(worker.row_of(99), worker.chains_of(99))

    failpoints.observe(write_one_more)
    ls.compact(root, grace_seconds=LONG_AGO)
    assert len(ls.finished(root, "storm")) == 13
    assert len(content(root)[1]) == 26


def test_of_two_compactors_one_starts_again_and_nothing_is_doubled(storm_dataset, root, content):
    before = content(root)

    def another_compacts_first(point: str) -> None:
        if point == "compact.details_put":
            failpoints.observe(lambda point: None)
            ls.compact(root)

    failpoints.observe(another_compacts_first)
    ls.compact(root)
    assert content(root) == before
    assert len(files(root, "runs/*/seg-*")) == 1, "the loser removes its own segments"


def test_compactors_in_processes_of_their_own_agree(storm_dataset, root, content, processes):
    before = content(root)
    pids = [processes.start(do="compact", root=root, grace=30.0) for _ in range(3)]
    assert [processes.wait(pid) for pid in pids] == [0, 0, 0]
    assert content(root) == before


def test_a_reader_between_listing_and_manifest_sees_every_run_once(storm_dataset, root, content, monkeypatch):
    """The reader has listed the commits; they are compacted and vacuumed before it reads the manifest."""
    before = content(root)
    name = "llcray_storage.state.snapshot.load_newest_manifest"

    def compacted_meanwhile(store, partition):
        monkeypatch.setattr(name, load_newest_manifest)
        ls.compact(root, grace_seconds=LONG_AGO)
        ls.vacuum(root, grace_seconds=LONG_AGO)
        return load_newest_manifest(store, partition)

    monkeypatch.setattr(name, compacted_meanwhile)
    assert content(root) == before


def test_a_rerun_supersedes_compacted_rows_at_once_and_for_good(storm_dataset, root, worker):
    ls.compact(root)
    storm_dataset.write_run({**worker.row_of(3), "llc": -1.0, "generation": 2}, worker.chains_of(7))
    for _ in range(2):
        rows = ls.scan_runs(root).filter(pl.col("run_id") == "run00003").collect()
        draws = ls.scan_draws(root, run_id="run00003").collect()
        assert rows.select("llc", "generation").rows() == [(-1.0, 2)]
        assert draws["generation"].to_list() == [2, 2]
        assert ls.scan_draws(root).collect().height == 24
        ls.compact(root, grace_seconds=LONG_AGO)
        ls.vacuum(root, grace_seconds=LONG_AGO)
    assert ls.scan_runs(root, latest=False).collect().height == 12


def test_a_late_duplicate_after_vacuum_changes_nothing(storm_dataset, root, worker, content):
    """A worker that knows nothing of compaction writes a run whose name is free again."""
    late = ls.Dataset.open(root)
    ls.compact(root)
    ls.vacuum(root, grace_seconds=LONG_AGO)
    before = content(root)
    assert not late.write_run({**worker.row_of(5), "llc": -5.0}, worker.chains_of(5)).created
    assert content(root) == before


def test_a_late_duplicate_that_was_linked_anyway_is_not_counted(storm_dataset, root, content):
    first = next(Path(root).glob("runs/*/t-run00005*"))
    data = first.read_bytes()
    ls.compact(root)
    ls.vacuum(root, grace_seconds=LONG_AGO)
    before = content(root)
    first.write_bytes(data)
    assert content(root) == before
    assert ls.scan_runs(root, latest=False).collect().height == 12
    ls.compact(root)
    ls.vacuum(root, grace_seconds=LONG_AGO)
    assert not first.exists()
    assert content(root) == before


def test_a_failure_that_was_compacted_is_replaced_by_an_estimate(dataset, root, new_row, new_chains):
    dataset.write_run(new_row(status="failed", llc=None))
    ls.compact(root)
    ls.vacuum(root, grace_seconds=LONG_AGO)
    assert dataset.write_run(new_row(), new_chains()).generation == 2
    assert dataset.finished("s") == {"r1": "done"}


def test_draws_of_a_killed_writer_go_after_the_grace_period(storm_dataset, root, content):
    orphan = Path(root) / "draws" / "sweep=storm" / "c-run00099.g1-0123456789ab.parquet"
    orphan.write_bytes(b"left behind")
    before = content(root)
    assert ls.vacuum(root) == 0
    assert ls.vacuum(root, grace_seconds=LONG_AGO) == 1
    assert not orphan.exists()
    assert content(root) == before


def test_the_grace_period_is_measured_by_the_clock_of_the_storage(storm_dataset, root, monkeypatch):
    """A machine whose clock runs a day ahead must not remove what readers still use."""
    import time

    ls.compact(root)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86400.0)
    assert ls.vacuum(root) == 0


def test_a_commit_whose_draws_are_lost_is_left_for_verify(storm_dataset, root):
    next(Path(root).glob("draws/*/c-run00004*")).unlink()
    done = ls.compact(root, "storm")[0]
    assert done.absorbed == 11
    assert "run00004" in done.left[0] and "missing" in done.left[0]


def test_a_damaged_segment_is_never_copied_into_a_new_one(storm_dataset, root, worker):
    ls.compact(root)
    segment = next(Path(root).glob("runs/*/seg-*"))
    segment.write_bytes(segment.read_bytes()[:-100] + b"\0" * 100)
    storm_dataset = ls.Dataset.open(root)
    with pytest.raises(ls.StorageError, match=r"verify .* --repair"):
        storm_dataset.write_run(worker.row_of(12), worker.chains_of(12))
        ls.compact(root)


def test_compaction_is_due_at_a_thousand_small_files(storm_dataset, root, monkeypatch):
    from llcray_storage import compact

    assert not storm_dataset.compact_if_due("storm")
    import sys

    module = sys.modules["llcray_storage.maintain.compact"]
    monkeypatch.setattr(module, "DUE_FILES_WHEN_OLD", 5)
    assert not storm_dataset.compact_if_due("storm"), "twelve files that are seconds old can wait"
    assert storm_dataset.compact_if_due("storm", due_files=12)
    assert compact(root)[0].absorbed == 0


def test_targets_are_compacted_too(dataset, root):
    for n in range(5):
        dataset.write_target({"target_id": f"t{n}", "num_params": n}, {})
    ls.compact(root, grace_seconds=LONG_AGO)
    ls.vacuum(root, grace_seconds=LONG_AGO)
    assert files(root, "targets/t-*") == []
    assert ls.scan_targets(root).collect().sort("target_id")["num_params"].to_list() == [0, 1, 2, 3, 4]
    assert dataset.read_target("t3") is not None
    assert not dataset.write_target({"target_id": "t3"}, {}).created


def test_a_rerun_that_is_damaged_does_not_cost_the_row_it_replaced(storm_dataset, root, worker):
    ls.compact(root)
    storm_dataset.write_run({**worker.row_of(3), "generation": 2}, worker.chains_of(3))
    next(Path(root).glob("draws/*/c-run00003.g2*")).unlink()
    assert len(ls.compact(root, "storm")[0].left) == 1
    assert ls.verify(root, repair=True).rerun == {}
    assert ls.scan_runs(root).filter(pl.col("run_id") == "run00003").collect()["generation"].to_list() == [1]
    assert ls.scan_draws(root, run_id="run00003").collect().height == 2
