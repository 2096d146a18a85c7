"""A worker's process takes its share of the machine and no more."""

import json
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


SHARE = """
import json, os, sys
from llcray.driver.trials.process import limit_process
limit_process(float(sys.argv[1]), float(sys.argv[2]))
names = ("NPROC", "OMP_NUM_THREADS", "XLA_PYTHON_CLIENT_PREALLOCATE", "XLA_PYTHON_CLIENT_MEM_FRACTION")
print(json.dumps([os.environ.get(name) for name in names]))
"""


@pytest.mark.parametrize(
    ("cpus", "gpus", "expected"),
    [
        (1, 0, ["1", "1", None, None]),
        (0.25, 0, ["1", "1", None, None]),
        (4, 1, ["4", "4", None, None]),
        (2, 0.25, ["2", "2", "false", "0.225"]),
        (1, 0.05, ["1", "1", "false", "0.045"]),
        (8, 4, ["8", "8", None, None]),
    ],
)
def test_threads_and_memory_are_the_share_of_a_trial(cpus, gpus, expected):
    """Twenty trials on a GPU take nine tenths of its memory together; a trial with whole GPUs takes what JAX takes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XLA_", "NPROC", "OMP"))}
    command = [sys.executable, "-c", SHARE, str(cpus), str(gpus)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert json.loads(printed) == expected


ON_MADE_UP_GPUS = """
import ray, sys
ray.init(num_cpus=4, num_gpus=2, include_dashboard=False, log_to_driver=False)
from llcray.driver import SweepOptions, run_sweep
for path in sys.argv[1:]:
    assert run_sweep(path, SweepOptions(storage=f"{path}.results", max_pack=1)) == 0
"""
PLACED = """
name: tiny
question: What does a worker get of a GPU?
targets:
  - kind: python
    factory: "driver_targets:placed"
    arguments: {{folder: "{folder}", number: {{grid: [0, 1, 2, 3]}}}}
samplers: [{{kind: sgld, step_size: 1.0e-3, batch_size: 20}}]
sampling: {{num_chains: 2, budget: {{num_gradients: 100, num_draws: 64}}}}
resources: {{cpus: 1, gpus: {gpus}}}
"""
# GPUs of a trial: masks that its worker may have, and its share of their memory.
OF_TWO_GPUS = {0.5: ({"0", "1"}, "0.450"), 1: ({"0", "1"}, None), 2: ({"0,1"}, None)}


@pytest.mark.slow
def test_workers_see_the_gpus_of_their_trial_alone(modules, tmp_path):
    """Ray is told of two GPUs that are not there; the masks are what JAX would choose its devices by."""
    folders = {gpus: tmp_path / f"{gpus}" for gpus in OF_TWO_GPUS}
    for gpus, folder in folders.items():
        folder.mkdir()
        (folder / "tiny.yaml").write_text(PLACED.format(folder=folder, gpus=gpus))
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", ON_MADE_UP_GPUS, *(str(folder / "tiny.yaml") for folder in folders.values())]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    for gpus, (masks, fraction) in OF_TWO_GPUS.items():
        found = [json.loads(file.read_text()) for file in folders[gpus].glob("*.json")]
        assert len(found) == 4, gpus
        assert {worker["CUDA_VISIBLE_DEVICES"] for worker in found} <= masks, gpus
        assert {worker["XLA_PYTHON_CLIENT_MEM_FRACTION"] for worker in found} == {fraction}, gpus
        assert {worker["NPROC"] for worker in found} == {"1"}, gpus


@pytest.mark.parametrize(("quota", "cores"), [("max 100000", None), ("150000 100000", 1), ("50000 100000", 1)])
def test_a_quota_of_the_control_group_bounds_the_cores(tmp_path, monkeypatch, quota, cores):
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    assert usable_cpus() == (cores or len(os.sched_getaffinity(0)))
