"""States of unfinished runs: the newest whole one counts, and none outlives its use."""

import os
import time
from pathlib import Path

import llcray_storage as ls
import pytest
from llcray_storage.maintain.vacuum import vacuum


@pytest.fixture
def dataset(tmp_path: Path) -> ls.Dataset:
    return ls.Dataset.create_or_open(tmp_path / "results")


def files(dataset: ls.Dataset) -> list[Path]:
    return [path for path in Path(dataset.root).glob("_llcray/unfinished/*/*") if path.is_file()]


def test_the_newest_state_replaces_those_before(dataset: ls.Dataset):
    assert dataset.load_unfinished("a1") is None
    for data in (b"one", b"two", b"three"):
        dataset.keep_unfinished("a1", data)
    assert dataset.load_unfinished("a1") == b"three"
    assert len(files(dataset)) == 1
    assert dataset.load_unfinished("b2") is None


def test_a_torn_state_gives_way_to_the_one_before(dataset: ls.Dataset):
    """A worker that dies between writing a new state and deleting the old one leaves both."""
    dataset.keep_unfinished("a1", b"whole")
    kept = files(dataset)[0].name
    dataset.keep_unfinished("a1", b"newer")
    newest = files(dataset)[0]
    newest.with_name(kept).write_bytes(b"whole")
    newest.write_bytes(b"newe")
    assert dataset.load_unfinished("a1") == b"whole"


def test_dropped_states_are_gone_and_the_dataset_is_whole(dataset: ls.Dataset):
    dataset.keep_unfinished("a1", b"data")
    assert ls.verify(str(dataset.root)).ok
    dataset.drop_unfinished("a1")
    assert not files(dataset)
    assert dataset.load_unfinished("a1") is None


def test_vacuum_takes_states_that_nobody_took_up_for_a_week(dataset: ls.Dataset):
    for run_id in ("a1", "b2"):
        dataset.keep_unfinished(run_id, b"data")
    old = next(path for path in files(dataset) if path.parent.name == "a1")
    long_ago = time.time() - 8 * 86400
    os.utime(old, (long_ago, long_ago))
    vacuum(str(dataset.root))
    assert [path.parent.name for path in files(dataset)] == ["b2"]
