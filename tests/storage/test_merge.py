"""Importing another dataset brings every run that is new or better, once."""

from pathlib import Path

import llcray_storage as ls
import numpy as np
import pytest


@pytest.fixture
def elsewhere(tmp_path, worker) -> str:
    """Six runs, half of them compacted, and a target."""
    root = str(tmp_path / "elsewhere")
    dataset = ls.Dataset.create_or_open(root)
    for n in range(6):
        dataset.write_run({**worker.row_of(n), "target_id": "t1"}, worker.chains_of(n))
        if n == 2:
            ls.compact(root)
    dataset.write_target({"target_id": "t1", "num_params": 3}, {"w": np.ones(3)})
    return root


def assert_whole(root: str, worker, numbers) -> None:
    rows = ls.scan_runs(root, "storm").select("run_id", "llc").collect().sort("run_id").rows()
    assert rows == [(worker.row_of(n)["run_id"], float(n)) for n in numbers]
    draws = ls.scan_draws(root, "storm").select("run_id", "centered_loss").collect()
    assert draws.height == 2 * len(numbers)
    assert all(set(values) == {float(run_id[3:])} for run_id, values in draws.iter_rows())
    assert ls.verify(root, deep=True).ok


def test_a_dataset_is_imported_whole_and_importing_again_changes_nothing(elsewhere, root, worker):
    imported = ls.import_dataset(elsewhere, root)
    assert (imported.num_runs, imported.num_targets, imported.num_known, imported.left) == (6, 1, 0, ())
    assert_whole(root, worker, range(6))
    found = ls.Dataset.open(root).read_target("t1")
    assert found is not None and found[1]["w"].tolist() == [1.0, 1.0, 1.0] and found[0]["num_params"] == 3
    again = ls.import_dataset(elsewhere, root)
    assert (again.num_runs, again.num_targets, again.num_known) == (0, 0, 6)
    assert_whole(root, worker, range(6))


def test_what_is_here_stays_and_what_is_new_comes(elsewhere, dataset, root, worker):
    for n in (4, 5, 6, 7):
        dataset.write_run(worker.row_of(n), worker.chains_of(n))
    imported = ls.import_dataset(elsewhere, root)
    assert (imported.num_runs, imported.num_known) == (4, 2)
    assert_whole(root, worker, range(8))
    ls.compact(root)
    assert_whole(root, worker, range(8))


def test_a_later_generation_and_an_estimate_for_a_failure_replace_what_is_here(elsewhere, dataset, root, worker):
    dataset.write_run({**worker.row_of(0), "status": "failed", "llc": None})
    dataset.write_run({**worker.row_of(1), "llc": -1.0}, worker.chains_of(9))
    source = ls.Dataset.open(elsewhere)
    source.write_run({**worker.row_of(1), "generation": 2}, worker.chains_of(1))
    ls.compact(root)
    imported = ls.import_dataset(elsewhere, root)
    assert (imported.num_runs, imported.num_known) == (6, 0)
    assert_whole(root, worker, range(6))
    assert dataset.generations("storm")["run00001"] == 2
    again = ls.import_dataset(elsewhere, root)
    assert again.num_runs == 0


def test_what_is_damaged_at_the_source_is_left_and_named(elsewhere, root, worker):
    next(Path(elsewhere).glob("draws/*/c-run00004*")).unlink()
    imported = ls.import_dataset(elsewhere, root)
    assert imported.num_runs == 5
    assert len(imported.left) == 1 and "run00004" in imported.left[0]
    assert_whole(root, worker, [0, 1, 2, 3, 5])


def test_a_dataset_is_not_imported_into_itself(elsewhere):
    with pytest.raises(ls.StorageError, match=r"into itself"):
        ls.import_dataset(elsewhere, elsewhere)
