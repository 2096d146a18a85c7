"""Damage is found and named; repair keeps whole rows and says which runs to compute again."""

import shutil
from pathlib import Path

import llcray_storage as ls
import numpy as np
import pytest
from llcray_storage.errors import StorageError

COUNT = 6


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, worker) -> Path:
    root = tmp_path_factory.mktemp("written") / "results"
    dataset = ls.Dataset.create_or_open(str(root))
    for n in range(COUNT):
        dataset.write_run({**worker.row_of(n), "target_id": "t1"}, worker.chains_of(n))
    dataset.write_target({"target_id": "t1"}, {"w": np.arange(1000.0)})
    return root


@pytest.fixture
def filled(written: Path, root: str) -> ls.Dataset:
    return ls.Dataset.open(str(shutil.copytree(written, root)))


@pytest.fixture
def compacted(filled, root) -> ls.Dataset:
    ls.compact(root)
    ls.vacuum(root, grace_seconds=-60.0)
    return filled


def only(root: str, pattern: str) -> Path:
    paths = sorted(Path(root).glob(pattern))
    assert paths, pattern
    return paths[0]


def flip(path: Path, at: int) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(bytes(data))


def errors(root: str, deep: bool = True) -> list[tuple[str, str]]:
    return [(found.kind, found.path) for found in ls.verify(root, deep=deep).findings if found.is_error]


def rerun_completes(root: str, worker, report: ls.Report) -> None:
    """Assert that a repaired dataset has no error, and that writing the runs it gave up completes it."""
    assert errors(root) == []
    dataset = ls.Dataset.open(root)
    missing = {worker.row_of(n)["run_id"] for n in range(COUNT)} - set(dataset.finished("storm"))
    assert missing == set(report.rerun.get("storm", ()))
    for n in range(COUNT):
        dataset.write_run({**worker.row_of(n), "target_id": "t1"}, worker.chains_of(n))
    rows = ls.scan_runs(root).select("run_id", "llc").collect().sort("run_id").rows()
    assert rows == [(worker.row_of(n)["run_id"], float(n)) for n in range(COUNT)]
    draws = ls.scan_draws(root).select("run_id", "centered_loss").collect()
    assert draws.height == 2 * COUNT
    assert all(set(values) == {float(run_id[3:])} for run_id, values in draws.iter_rows())
    ls.compact(root)
    assert errors(root) == []


def test_a_sound_dataset_has_no_findings(filled, root):
    assert ls.verify(root, deep=True).findings == ()
    ls.compact(root)
    ls.vacuum(root, grace_seconds=-60.0)
    report = ls.verify(root, deep=True)
    assert report.findings == () and report.ok


@pytest.mark.parametrize("place", ["first", "middle", "footer", "last"])
@pytest.mark.parametrize("pattern", ["runs/*/t-run00002*", "draws/*/c-run00002*"])
def test_a_flipped_bit_of_a_small_file_costs_that_run_only(filled, root, worker, pattern, place):
    path = only(root, pattern)
    flip(path, {"first": 0, "middle": 300, "footer": -20_000 if "runs" in pattern else -200, "last": -1}[place])
    assert len(errors(root)) == 1
    report = ls.verify(root, deep=True, repair=True)
    assert report.rerun == {"storm": ("run00002",)}
    assert all("_llcray/quarantine/" in path for path in report.quarantined)
    rerun_completes(root, worker, report)


@pytest.mark.parametrize("content", [b"", b"PAR1"])
def test_a_torn_commit_costs_that_run_only(filled, root, worker, content):
    path = only(root, "runs/*/t-run00003*")
    path.write_bytes(content)
    assert errors(root, deep=False) == [("damaged", "runs/sweep=storm/t-run00003.g1.parquet")]
    report = ls.verify(root, repair=True)
    assert report.rerun == {"storm": ("run00003",)}
    rerun_completes(root, worker, report)


@pytest.mark.parametrize("place", [4, 300, 2000, -5000, -30, -1])
@pytest.mark.parametrize("table", ["runs", "draws"])
def test_a_flipped_bit_of_a_segment_is_found_and_repaired(compacted, root, worker, table, place):
    flip(only(root, f"{table}/*/seg-*"), place)
    assert [kind for kind, _ in errors(root)] == ["damaged"]
    report = ls.verify(root, deep=True, repair=True)
    assert len(report.quarantined) == 1
    rerun_completes(root, worker, report)


def test_good_row_groups_of_a_damaged_segment_are_kept(dataset, root, new_row, new_chains, monkeypatch):
    """One flipped bit costs the 16 runs of its row group, not the whole segment of up to 128 MB."""
    for n in range(48):
        dataset.write_run(new_row(f"r{n:02d}"), new_chains(seed=n, num_chains=4))
    ls.compact(root)
    ls.vacuum(root, grace_seconds=-60.0)
    flip(only(root, "draws/*/seg-*"), 5000)
    report = ls.verify(root, deep=True, repair=True)
    assert len(report.rerun["s"]) == 16
    assert len(ls.finished(root, "s")) == 32
    assert errors(root) == []


def test_a_lost_segment_is_missed_and_a_rerun_completes(compacted, root, worker):
    only(root, "draws/*/seg-*").unlink()
    assert [kind for kind, _ in errors(root, deep=False)] == ["missing"]
    report = ls.verify(root, repair=True)
    assert len(report.rerun["storm"]) == COUNT
    rerun_completes(root, worker, report)


def test_a_flipped_bit_of_a_manifest_is_found_and_repaired_without_loss(compacted, root, worker):
    manifest = only(root, "_llcray/manifest/sweep=storm/*")
    flip(manifest, manifest.read_bytes().index(b"sha256") + 12)
    with pytest.raises(StorageError, match=r"manifest .* is damaged .*--repair"):
        ls.finished(root, "storm")
    assert [kind for kind, _ in errors(root)] == ["damaged"]
    report = ls.verify(root, repair=True)
    assert report.rerun == {}
    assert len(ls.finished(root, "storm")) == COUNT
    rerun_completes(root, worker, report)


def test_lost_draws_of_a_small_run_are_missed(filled, root, worker):
    only(root, "draws/*/c-run00001*").unlink()
    found = [finding for finding in ls.verify(root).findings if finding.is_error]
    assert [(finding.kind, finding.ids) for finding in found] == [("missing", ("run00001",))]
    rerun_completes(root, worker, ls.verify(root, repair=True))


def test_a_damaged_artifact_is_found_and_built_again(compacted, root):
    flip(only(root, "targets/*/*.safetensors"), -3)
    assert errors(root, deep=False) == []
    assert [kind for kind, _ in errors(root)] == ["damaged"]
    report = ls.verify(root, deep=True, repair=True)
    assert report.rebuild == ("t1",)
    assert compacted.read_target("t1") is None
    assert compacted.write_target({"target_id": "t1"}, {"w": np.arange(1000.0)}).generation == 1
    assert errors(root) == []


def test_remarks_are_no_errors(filled, root, new_row):
    folder = Path(root) / "runs" / "sweep=storm"
    (folder / ".DS_Store").write_bytes(b"")
    (folder / "seg-0123456789abcdef.parquet").write_bytes(b"of a compactor that was killed")
    (Path(root) / "targets" / "zz").mkdir()
    (Path(root) / "targets" / "zz" / "zz-0123456789ab.safetensors").write_bytes(b"")
    (Path(root) / "_llcray" / "tmp" / "0.tmp").write_bytes(b"")
    filled.write_run(new_row("without_target", target_id="nowhere"))
    report = ls.verify(root, deep=True)
    assert report.ok
    assert sorted(found.kind for found in report.findings) == ["dangling", "orphan", "orphan", "orphan", "unknown"]


def test_repairing_what_is_sound_changes_nothing(compacted, root):
    before = sorted(Path(root).rglob("*.*"))
    assert ls.verify(root, deep=True, repair=True).quarantined == ()
    assert sorted(Path(root).rglob("*.*")) == before
