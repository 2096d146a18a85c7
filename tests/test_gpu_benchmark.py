"""`benchmarks/gpu.py` in its smallest size, on the CPU in the place of the GPU: it is to work when a GPU is at hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_benchmark_of_a_gpu_runs_on_a_cpu_in_its_smallest_size():
    """Both processes are CPUs and draw the same numbers, so that the estimates must agree exactly."""
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--size", "tiny", "--no-write"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=400, env=os.environ | {"JAX_PLATFORMS": "cpu"}, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "widths chosen: full 8, small 1" in done.stdout
    rows = [line.split("|") for line in done.stdout.splitlines() if line.startswith(("| deep_linear", "| trained"))]
    assert len(rows) == 2 and all(float(row[6]) == 0.0 and "agrees" in row[7] for row in rows), done.stdout
