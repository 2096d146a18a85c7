"""Output never ends a sweep: neither a reader that has left, nor a poor encoding, nor what texts contain."""

import io
import subprocess
import sys
from pathlib import Path

import llcray_storage as ls
import pytest

from llcray.driver import SweepOptions, run_sweep

QUICK = "[{kind: quadratic, num_params: {grid: [3, 5]}, num_data: 200}]"
STRANGE = "[{kind: python, factory: 'driver_targets:named', arguments: {name: {grid: ['[/x] ü', '[bold]']}}}]"


def sweep(path: Path, storage: str, *options: str) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "llcray.cli",
        "sweep",
        str(path),
        "--storage",
        storage,
        "--max-concurrent",
        "1",
        *options,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("options", [(), pytest.param(("--json-lines",), marks=pytest.mark.slow)])
def test_a_reader_that_leaves_does_not_end_a_sweep(cluster, sweep_file, tmp_path, options):
    storage = str(tmp_path / "results")
    with sweep(sweep_file(QUICK), storage, *options) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        stderr = process.stderr.read().decode()
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    assert set(ls.finished(storage, "tiny").values()) == {"done"}


def test_a_stream_of_ascii_and_texts_that_look_like_markup_do_not_end_a_sweep(
    cluster, sweep_file, tmp_path, monkeypatch
):
    storage, written = str(tmp_path / "results"), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", errors="strict"))
    monkeypatch.setenv("COLUMNS", "160")
    assert run_sweep(sweep_file(STRANGE), SweepOptions(storage=storage, max_concurrent=1)) == 1
    sys.stdout.flush()
    stdout = written.getvalue().decode("ascii")
    assert len(ls.finished(storage, "tiny")) == 4
    assert "[/x] \\u00fc" in stdout and "[bold]" in stdout, stdout
