"""A worker's process takes its share of the machine and no more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llcray.driver import machine
from llcray.driver.machine import usable_cpus

PROGRAM = """
import os
from pathlib import Path
from llcray.driver.trials.process import limit_process
limit_process(1.0, 0.5)
import jax
jax.block_until_ready(jax.jit(lambda x: x @ x)(jax.numpy.ones((600, 600))))
names = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
num_pools = sum("XLAEigen" in name for name in names)
print(num_pools, os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"], os.environ["OMP_NUM_THREADS"],
      os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"])
print(jax.config.jax_compilation_cache_dir)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_a_worker_computes_with_the_threads_of_its_share_and_keeps_compiled_programs(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "XLA_"))}
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    command = [sys.executable, "-c", PROGRAM]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.splitlines()
    assert printed[0] == "1 false 1 0.450"
    assert printed[1].startswith(str(tmp_path / "llcray"))


@pytest.mark.parametrize(("quota", "cores"), [("max 100000", None), ("150000 100000", 1), ("50000 100000", 1)])
def test_a_quota_of_the_control_group_bounds_the_cores(tmp_path, monkeypatch, quota, cores):
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    assert usable_cpus() == (cores or len(os.sched_getaffinity(0)))
