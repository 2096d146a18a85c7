"""A sweep is renamed whole; a rename that is killed anywhere loses nothing, and the same call goes on."""

import llcray_storage as ls
import pytest

COUNT = 6


def ids_of(root: str, sweep: str) -> list[str]:
    return sorted(ls.scan_runs(root, sweep).select("run_id").collect()["run_id"])


def assert_sound(root: str, sweep: str) -> None:
    """Assert that each run of a sweep is there once with its own draws, and that nothing is damaged."""
    draws = ls.scan_draws(root, sweep).select("run_id", "sweep", "centered_loss").collect()
    assert sorted(draws["run_id"]) == sorted(2 * ids_of(root, sweep))
    assert all(set(values) == {float(run_id[3:])} for run_id, _, values in draws.iter_rows())
    assert set(draws["sweep"]) <= {sweep}
    assert ls.verify(root, deep=True).ok


def fill(dataset, worker, root: str, compacted: bool) -> list[str]:
    for number in range(COUNT):
        dataset.write_run(worker.row_of(number), worker.chains_of(number))
        if compacted and number == 3:
            ls.compact(root)
    dataset.write_run({**worker.row_of(1), "generation": 3}, worker.chains_of(1))
    dataset.write_sweep_file(ls.SweepFile("storm", "?", "name: storm\n"))
    dataset.write_stages("storm", "llc", "stages", [{"series_id": "s", "stage": 0}])
    return [worker.row_of(number)["run_id"] for number in range(COUNT)]


def assert_renamed(root: str, ids: list[str]) -> None:
    assert ids_of(root, "storm") == [] and ids_of(root, "calm") == ids
    assert_sound(root, "calm")
    assert ls.generations(root, "calm")["run00001"] == 3
    assert ls.sweep_files(root, "storm") == [] and len(ls.sweep_files(root, "calm")) == 1
    stages = ls.scan_stages(root).collect()
    assert stages["sweep"].to_list() == ["calm"] and stages["series_id"].to_list() == ["s"]
    assert ls.verify(root).findings == ()


@pytest.mark.parametrize("compacted", [False, True], ids=["small files", "segments"])
def test_a_sweep_is_renamed_with_all_that_belongs_to_it(dataset, worker, root, compacted):
    ids = fill(dataset, worker, root, compacted)
    before = ls.scan_runs(root, "storm").drop("sweep", "nonce", "draws_file", "draws_sha256", "draws_digest").collect()
    dataset.write_run({**worker.row_of(0), "sweep": "other"}, worker.chains_of(0))
    assert ls.rename_sweep(root, "storm", "calm") == COUNT
    after = ls.scan_runs(root, "calm").select(before.columns).collect()
    assert after.sort("run_id").equals(before.sort("run_id"), null_equal=True)
    assert ids_of(root, "other") == ["run00000"]
    ls.compact(root, grace_seconds=-60.0)
    ls.vacuum(root, grace_seconds=-60.0)
    assert_renamed(root, ids)


POINTS = [
    ("rename.noted", 1),
    ("commit.draws_put", 2),
    ("rename.run_copied", 3),
    ("rename.copied", 1),
    ("compact.published", 1),
    ("remove.deleted", 2),
]


@pytest.mark.parametrize(("point", "kill_on"), POINTS)
def test_a_rename_that_is_killed_loses_nothing_and_goes_on(dataset, worker, root, processes, point, kill_on):
    ids = fill(dataset, worker, root, compacted=True)
    processes.run(do="rename", root=root, kill_at=point, kill_on=kill_on)
    assert sorted({*ids_of(root, "storm"), *ids_of(root, "calm")}) == ids
    for sweep in ("storm", "calm"):
        assert_sound(root, sweep)
    if ids_of(root, "storm"):
        [remark] = [found for found in ls.verify(root).findings if found.kind == "unfinished"]
        assert remark.problem.endswith("storm calm` goes on")
    assert processes.run(do="rename", root=root) == 0 or not ids_of(root, "storm")
    ls.compact(root, grace_seconds=-60.0)
    ls.vacuum(root, grace_seconds=-60.0)
    assert_renamed(root, ids)


def test_runs_that_are_written_meanwhile_are_under_one_of_the_names(dataset, worker, root, processes, tmp_path):
    fill(dataset, worker, root, compacted=False)
    acknowledged = tmp_path / "acknowledged"
    writer = processes.start(do="write", root=root, count=60, acknowledge=str(acknowledged))
    ls.rename_sweep(root, "storm", "calm")
    processes.kill(writer)
    written = {line.split()[0] for line in acknowledged.read_text().splitlines()} if acknowledged.exists() else set()
    assert written <= {*ids_of(root, "storm"), *ids_of(root, "calm")}
    for sweep in ("storm", "calm"):
        assert_sound(root, sweep)


def test_names_that_would_mix_sweeps_are_refused(dataset, worker, root):
    fill(dataset, worker, root, compacted=False)
    dataset.write_run({**worker.row_of(0), "sweep": "calm"}, worker.chains_of(0))
    with pytest.raises(ls.StorageError, match="has a sweep 'calm' already, of 1 runs"):
        ls.rename_sweep(root, "storm", "calm")
    with pytest.raises(ls.StorageError, match="its own name"):
        ls.rename_sweep(root, "storm", "storm")
    with pytest.raises(ls.StorageError, match="did you mean 'storm'"):
        ls.rename_sweep(root, "strom", "new")
    with pytest.raises(ls.StorageError, match="cannot be a folder everywhere"):
        ls.rename_sweep(root, "storm", "../new")
    assert len(ids_of(root, "storm")) == COUNT
