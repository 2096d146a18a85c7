"""A run becomes visible whole or not at all, once, and only if the schema knows all of it."""

from datetime import UTC, datetime
from pathlib import Path

import llcray_storage as ls
import numpy as np
import polars as pl
import pytest


def test_what_was_written_is_what_is_read(dataset, root, new_row, new_chains):
    now = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    row = new_row(architecture_widths=[16, 32], warnings=["short"], is_likelihood=True, num_data=100, started_at=now)
    dataset.write_run(row, new_chains(num_draws=7))
    read = ls.scan_runs(root).collect().row(0, named=True)
    assert {name: read[name] for name in row} == row
    draws = ls.scan_draws(root).sort("chain").collect()
    assert draws["chain"].to_list() == [0, 1]
    written = np.float32(new_chains(num_draws=7)[1]["centered_loss"])
    np.testing.assert_array_equal(draws["centered_loss"][1].to_numpy(), written)


def test_writing_a_run_twice_leaves_one_row(dataset, root, new_row, new_chains):
    assert dataset.write_run(new_row(llc=1.0), new_chains()).created
    assert not dataset.write_run(new_row(llc=2.0), new_chains()).created
    assert ls.scan_runs(root).select("llc").collect().to_series().to_list() == [1.0]
    assert ls.scan_draws(root).collect().height == 2


def test_the_loser_of_a_race_leaves_no_draws_behind(dataset, root, new_row, new_chains):
    dataset.write_run(new_row(), new_chains())
    dataset.write_run(new_row(), new_chains(seed=1))
    assert len(list(Path(root).glob("draws/*/*"))) == 1


def test_an_estimate_replaces_a_failure_but_not_the_reverse(dataset, root, new_row, new_chains):
    dataset.write_run(new_row(status="failed", llc=None, reason="out of memory"))
    assert dataset.write_run(new_row(), new_chains()).generation == 2
    assert not dataset.write_run(new_row(status="failed", llc=None, reason="late")).created
    assert dataset.finished("s") == {"r1": "done"}
    assert ls.scan_runs(root, latest=False).collect().height == 2


def test_a_failure_that_happens_again_is_not_written_again(dataset, new_row):
    dataset.write_run(new_row(status="failed", reason="first"))
    assert not dataset.write_run(new_row(status="failed", reason="second")).created


def test_a_deliberate_rerun_supersedes_and_the_old_stays_auditable(dataset, root, new_row, new_chains):
    dataset.write_run(new_row(llc=1.0), new_chains())
    again = dataset.generations("s")["r1"] + 1
    dataset.write_run(new_row(llc=2.0, generation=again), new_chains(seed=1))
    assert ls.scan_runs(root).select("llc").collect().to_series().to_list() == [2.0]
    assert sorted(ls.scan_runs(root, latest=False).select("llc").collect().to_series()) == [1.0, 2.0]
    assert ls.scan_draws(root).select("generation").collect().to_series().to_list() == [2, 2]


def test_a_late_rerun_of_an_older_generation_is_refused(dataset, new_row):
    dataset.write_run(new_row(generation=3))
    assert dataset.write_run(new_row(generation=3)).created is False


def test_a_run_without_draws_is_written(dataset, root, new_row):
    dataset.write_run(new_row())
    assert ls.scan_draws(root).collect().is_empty()
    assert ls.scan_draws_long(root).collect().is_empty()


def test_chains_may_differ_in_length(dataset, root, new_row):
    dataset.write_run(new_row(), [{"chain": n, "centered_loss": np.ones(n + 1)} for n in range(3)])
    assert ls.scan_draws(root).select(pl.col("centered_loss").list.len()).collect().to_series().sort().to_list() == [
        1,
        2,
        3,
    ]
    assert ls.scan_draws_long(root).collect().height == 6


def test_nan_is_null_in_a_row_and_stays_nan_in_a_series(dataset, root, new_row):
    dataset.write_run(
        new_row(llc=float("nan"), rhat=float("inf")), [{"chain": 0, "centered_loss": [1.0, float("nan")]}]
    )
    assert ls.scan_runs(root).select("llc", "rhat").collect().row(0) == (None, float("inf"))
    assert ls.scan_draws(root).collect()["centered_loss"][0].is_nan().to_list() == [False, True]


def test_a_projection_keeps_one_row_of_numbers_per_draw(dataset, root, new_row):
    projection = np.arange(12.0).reshape(4, 3)
    chain = {"chain": 0, "centered_loss": np.ones(4), "projection": projection, "projection_dimension": 3}
    dataset.write_run(new_row(), [chain])
    stored = ls.scan_draws(root).collect().row(0, named=True)
    np.testing.assert_array_equal(np.reshape(stored["projection"], (-1, stored["projection_dimension"])), projection)


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"llc_mcs": 1.0}, "no column 'llc_mcs': did you mean 'llc_mcse'?"),
        ({"llc": "high"}, "it holds numbers"),
        ({"llc": True}, "it holds numbers"),
        ({"num_params": 3.0}, "it holds 64-bit integers"),
        ({"num_params": True}, "it holds 64-bit integers"),
        ({"num_params": 2**63}, "it holds 64-bit integers"),
        ({"reason": 3}, "it holds text"),
        ({"architecture_widths": [1.5]}, "it holds lists of integers"),
        ({"warnings": "one"}, "it holds lists of text"),
        ({"started_at": datetime(2026, 1, 1)}, "it holds times with a time zone"),
        ({"status": "fine"}, "it is one of done, failed"),
        ({"status": None}, "'status'"),
        ({"generation": 0}, "generations count from 1"),
        ({"generation": "2"}, "generations count from 1"),
        ({"run_id": "a/b"}, "cannot be part of a file name"),
        ({"sweep": "../up"}, "cannot be a folder everywhere"),
    ],
)
def test_drift_is_refused_before_anything_is_written(dataset, root, new_row, new_chains, columns, complaint):
    with pytest.raises(ls.StorageError, match=r"(?s)^[^\n]*$") as caught:
        dataset.write_run(new_row(**columns), new_chains())
    assert complaint in str(caught.value)
    assert not list(Path(root).glob("*/*/*.parquet"))


@pytest.mark.parametrize(
    ("chain", "complaint"),
    [
        ({"centered_loss": [1e39]}, "float32 cannot hold it"),
        ({"centered_loss": ["a"]}, "it holds float32"),
        ({"centered_loss": np.ones(3), "energy": np.ones(2)}, "ragged"),
        ({"centered_loss": np.ones(3), "projection": np.ones(6)}, "without projection_dimension"),
        ({"centered_loss": np.ones(3), "projection": np.ones(7), "projection_dimension": 2}, "ragged"),
        ({"loss": np.ones(3)}, "no column 'loss'"),
    ],
)
def test_draws_that_cannot_be_stored_as_they_are_are_refused(dataset, root, new_row, chain, complaint):
    with pytest.raises(ls.StorageError) as caught:
        dataset.write_run(new_row(), [{"chain": 0, **chain}])
    assert complaint in str(caught.value)
    assert not list(Path(root).glob("*/*/*.parquet"))


def test_a_chain_number_given_twice_is_refused(dataset, new_row):
    with pytest.raises(ls.StorageError, match=r"each chain is written once"):
        dataset.write_run(new_row(), [{"chain": 0, "centered_loss": [1.0]}] * 2)


def test_processes_that_write_the_same_runs_leave_each_once(dataset, root, processes, worker):
    pids = [processes.start(do="write", root=root, count=12, seed=seed) for seed in range(4)]
    assert [processes.wait(pid) for pid in pids] == [0, 0, 0, 0]
    runs = ls.scan_runs(root, latest=False).select("run_id", "llc").collect().sort("run_id")
    assert runs.rows() == [(worker.row_of(n)["run_id"], float(n)) for n in range(12)]
    assert ls.scan_draws(root).collect().height == 24
    assert ls.verify(root, deep=True).findings == ()


def test_two_sweeps_from_two_processes_into_one_root_both_arrive(tmp_path, processes):
    root = str(tmp_path / "new")
    ls.Dataset.create_or_open(root)
    pids = [processes.start(do="write", root=root, count=10, sweep=sweep) for sweep in ("one", "two")]
    assert [processes.wait(pid) for pid in pids] == [0, 0]
    assert ls.scan_runs(root).collect().group_by("sweep").len().sort("sweep").rows() == [("one", 10), ("two", 10)]
    assert set(ls.finished(root, "one")) == set(ls.finished(root, "two"))


def test_a_reply_lost_by_the_file_system_is_recognised_as_our_own_write(dataset, new_row, monkeypatch):
    """Over NFS a link that was made can be reported as refused."""
    import os

    real = os.link

    def link_and_lose_the_reply(source, destination):
        real(source, destination)
        raise FileExistsError(17, "File exists")

    monkeypatch.setattr(os, "link", link_and_lose_the_reply)
    assert dataset.write_run(new_row()).created


def test_storage_without_hard_links_is_refused_before_compute(tmp_path, monkeypatch):
    import errno
    import os

    def no_links(source, destination):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with pytest.raises(ls.StorageError, match=r"cannot be written.*Operation not permitted"):
        ls.Dataset.create_or_open(tmp_path / "results")


def test_a_root_that_is_a_file_is_found_before_compute(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ls.StorageError, match=r"(?s)^storage '[^\n]*cannot be written[^\n]*choose another place[^\n]*$"
    ):
        ls.Dataset.create_or_open(tmp_path / "file" / "results")


def test_a_place_of_an_unknown_kind_is_named_with_the_known_ones():
    with pytest.raises(ls.StorageError, match=r"ftp://x/y.*s3://"):
        ls.Dataset.create_or_open("ftp://x/y")


def test_a_dataset_of_a_newer_format_is_refused(dataset, root):
    marker = Path(root) / "llcray.json"
    marker.write_text(marker.read_text().replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(ls.StorageError, match=r"format version 2.*Upgrade"):
        ls.Dataset.open(root)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "[" * 100_000], ids=["empty", "cut", "list", "none", "deep"])
def test_a_damaged_marker_says_how_to_write_it_anew(dataset, root, content):
    (Path(root) / "llcray.json").write_text(content)
    with pytest.raises(ls.StorageError, match=r'is damaged.*Write {"format_version": 1} into it'):
        ls.Dataset.open(root)


def test_a_profile_file_stands_for_its_uri(tmp_path, new_row):
    profile = tmp_path / "lab.yaml"
    profile.write_text(f"uri: {tmp_path}/lab\n")
    ls.Dataset.create_or_open(profile).write_run(new_row())
    assert ls.finished(tmp_path / "lab", "s") == {"r1": "done"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no `uri:`"),
        ("uri: x\nurl: y\n", "unknown keys"),
        ("uri: [", "not YAML"),
        ("uri: x\noptions: 3\n", "options"),
    ],
)
def test_a_profile_that_is_none_says_why(tmp_path, text, complaint):
    profile = tmp_path / "lab.yaml"
    profile.write_text(text)
    with pytest.raises(ls.StorageError, match=complaint):
        ls.Dataset.create_or_open(profile)
