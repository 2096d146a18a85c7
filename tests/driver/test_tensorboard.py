"""Event files of a real sweep, read back record by record."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llcray_storage as ls
import pytest


def events(path: Path) -> Iterator[Any]:
    """The records of an event file: length, its checksum, bytes, their checksum (TFRecord)."""
    from tensorboardX.crc32c import crc32c
    from tensorboardX.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]  (made at run time)

    def masked(data: bytes) -> int:
        crc = crc32c(data)
        return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF

    data, at = path.read_bytes(), 0
    while at < len(data):
        header, (length,) = data[at : at + 8], struct.unpack("<Q", data[at : at + 8])
        record = data[at + 12 : at + 12 + length]
        assert struct.unpack("<I", data[at + 8 : at + 12])[0] == masked(header)
        assert struct.unpack("<I", data[at + 12 + length : at + 16 + length])[0] == masked(record)
        yield Event.FromString(record)
        at += 16 + length


def scalars(folder: Path) -> dict[str, float]:
    """The last value of each scalar of a run's folder."""
    found = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in events(path):
            found |= {value.tag: value.simple_value for value in event.summary.value if not value.HasField("tensor")}
    return found


def folders_of(done: Any, status: str) -> dict[str, Path]:
    """The folders of event files of the runs with a status, by run id."""
    ids = ls.scan_runs(done.storage).filter(status=status).collect()["run_id"]
    named = {folder.name.rpartition("-")[2]: folder for folder in (done.board / "tiny").iterdir()}
    return {run_id: named[run_id[:8]] for run_id in ids}


def test_event_files_hold_the_estimate_of_every_run(done_once):
    folders = folders_of(done_once, "done")
    assert len(folders) == 4 and all("sgld" in folder.name for folder in folders.values())
    for row in ls.scan_runs(done_once.storage).collect().iter_rows(named=True):
        found = scalars(folders[row["run_id"]])
        known = {name: row[name] for name in ("llc", "llc_sampling_se")}
        assert {name: found.get(f"estimate/{name}") for name in known} == pytest.approx(known, rel=1e-6)


def test_a_failed_run_says_why_in_its_folder(partly_failed_once):
    said = []
    for folder in folders_of(partly_failed_once, "failed").values():
        [file] = folder.glob("events.out.tfevents.*")
        values = [value for event in events(file) for value in event.summary.value]
        [text] = [value.tensor.string_val[0] for value in values if value.HasField("tensor")]
        said.append(text.startswith(b"failed: ValueError: this target cannot be built"))
    assert sorted(said) == [False, False, True, True]
