"""When the disk fills up or permission is lost, one line says so, the dataset stays readable, a rerun completes it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import llcray_storage as ls
import numpy as np
import pytest


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small tmpfs needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mounting a small tmpfs is not allowed here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def large_chains(seed: int) -> list[dict]:
    rng = np.random.default_rng(seed)
    return [{"chain": chain, "centered_loss": rng.normal(size=20_000)} for chain in range(2)]


def test_a_full_disk_is_reported_the_dataset_stays_readable_and_a_rerun_completes_it(tiny_disk, new_row):
    root = tiny_disk / "results"
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(b"\0" * 1_000_000)
    dataset = ls.Dataset.create_or_open(root)
    written = 0
    with pytest.raises(ls.StorageError, match=r"(?s)^'[^\n]*' was not written: No space left[^\n]*free space[^\n]*$"):
        for n in range(40):
            dataset.write_run(new_row(f"r{n}"), large_chains(n))
            written += 1
    assert 0 < written < 40
    assert len(ls.finished(root, "s")) == written
    assert ls.scan_draws(root).collect().height == 2 * written
    assert list((root / "_llcray" / "tmp").iterdir()) == []
    ballast.unlink()
    assert dataset.write_run(new_row(f"r{written}"), large_chains(written)).created
    assert len(ls.finished(root, "s")) == written + 1
    assert ls.verify(root, deep=True).ok


def test_compaction_on_a_full_disk_changes_nothing(tiny_disk, new_row):
    root = tiny_disk / "results"
    dataset = ls.Dataset.create_or_open(root)
    for n in range(4):
        dataset.write_run(new_row(f"r{n}"), large_chains(n))
    free = os.statvfs(tiny_disk)
    (tiny_disk / "ballast").write_bytes(b"\0" * (free.f_bavail * free.f_bsize - 50_000))
    with pytest.raises(ls.StorageError, match=r"No space left"):
        ls.compact(root)
    assert len(ls.finished(root, "s")) == 4
    (tiny_disk / "ballast").unlink()
    ls.compact(root)
    assert ls.verify(root, deep=True).ok


def test_a_full_disk_noticed_only_at_close_is_not_taken_for_a_write(dataset, root, new_row, new_chains, monkeypatch):
    """Network file systems report a full disk only when the file is closed."""
    import errno

    real = os.close

    def fail_once(descriptor: int) -> None:
        monkeypatch.setattr(os, "close", real)
        real(descriptor)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "close", fail_once)
    with pytest.raises(ls.StorageError, match=r"No space left"):
        dataset.write_run(new_row(), new_chains())
    assert ls.finished(root, "s") == {}
    assert dataset.write_run(new_row(), new_chains()).created


def test_permission_lost_mid_sweep_is_reported_and_readers_go_on(tiny_disk, new_row, new_chains):
    root = tiny_disk / "results"
    dataset = ls.Dataset.create_or_open(root)
    dataset.write_run(new_row("r1"), new_chains())
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(ls.StorageError, match=r"(?s)^[^\n]*Read-only file system; mount it writable[^\n]*$"):
        dataset.write_run(new_row("r2"), new_chains())
    with pytest.raises(ls.StorageError, match=r"cannot be written"):
        ls.Dataset.create_or_open(root)
    assert ls.finished(root, "s") == {"r1": "done"}
    assert ls.verify(root, deep=True).ok
