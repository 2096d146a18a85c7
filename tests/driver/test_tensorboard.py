"""Event files of a real sweep, read back record by record."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llcray_storage as ls
import pytest

from llcray.driver import SweepOptions, run_sweep

FAILING = "[{kind: python, factory: 'driver_targets:broken'}]"


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


def test_event_files_hold_the_estimate_of_every_run(cluster, sweep_file, tmp_path, screen):
    path = sweep_file("[{kind: quadratic, num_params: 3, num_data: 200}]")
    options = SweepOptions(storage=str(tmp_path / "results"), tensorboard=str(tmp_path / "board"))
    assert run_sweep(path, options, screen) == 0
    runs = ls.scan_runs(tmp_path / "results").select("run_id", "llc", "llc_mcse").collect()
    folders = {folder.name.rpartition("-")[2]: folder for folder in (tmp_path / "board" / "tiny").iterdir()}
    assert len(folders) == 2 and all(folder.name.startswith("sgld_step_size_") for folder in folders.values())
    for run_id, llc, llc_mcse in runs.iter_rows():
        found = scalars(folders[run_id[:8]])
        assert found["estimate/llc"] == pytest.approx(llc, rel=1e-6)
        assert found["estimate/llc_mcse"] == pytest.approx(llc_mcse, rel=1e-6)


def test_a_failed_run_says_why_in_its_folder(cluster, sweep_file, tmp_path, screen):
    options = SweepOptions(storage=str(tmp_path / "results"), tensorboard=str(tmp_path / "board"))
    assert run_sweep(sweep_file(FAILING), options, screen) == 1
    [file, _] = sorted((tmp_path / "board" / "tiny").glob("*/events.out.tfevents.*"))
    values = [value for event in events(file) for value in event.summary.value]
    texts = [value.tensor.string_val[0] for value in values if value.HasField("tensor")]
    assert len(texts) == 1 and texts[0].startswith(b"failed: ValueError: this target cannot be built")
