"""The scripts of `cluster/slurm` without Slurm: its commands for nodes and tasks are stood in for, Ray's is real."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import llcray_storage as ls
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT, ARRAY = (ROOT / "cluster" / "slurm" / name for name in ("sweep.sbatch", "array.sbatch"))
SWEEP = """
name: tiny
question: Does a batch job run it?
targets: [{kind: quadratic, num_params: {grid: [3, 5]}, num_data: 200}]
samplers: [{kind: sgld, step_size: 1.0e-3, batch_size: 20}]
sampling: {num_chains: 2, budget: {num_gradients: 500, num_draws: 128}}
"""
# What a node's Slurm would answer: one node, this machine, an hour left; tasks run here.
COMMANDS = {
    "scontrol": 'echo "$SLURM_JOB_NODELIST"',
    "squeue": "echo 1:00:00",
    "srun": 'while [[ "$1" == --* ]]; do shift; done; exec "$@"',
}


@pytest.fixture
def job(tmp_path: Path) -> dict[str, str]:
    """Returns the environment of a job of one node."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, line in COMMANDS.items():
        program = folder / name
        program.write_text(f"#!/usr/bin/env bash\n{line}\n")
        program.chmod(0o755)
    llcray = folder / "llcray"
    llcray.write_text(f"#!{sys.executable}\nfrom llcray.cli import main\nmain()\n")
    llcray.chmod(0o755)
    path = os.pathsep.join((str(folder), str(Path(sys.executable).parent), os.environ["PATH"]))
    host = socket.gethostname()
    return os.environ | {"PATH": path, "SLURM_JOB_ID": "17", "SLURM_NNODES": "1", "SLURM_JOB_NODELIST": host}


@pytest.mark.parametrize("script", [SCRIPT, ARRAY])
def test_a_script_is_sound_bash(script: Path):
    assert subprocess.run(["bash", "-n", str(script)], capture_output=True).returncode == 0


@pytest.mark.parametrize("script", [SCRIPT, ARRAY])
def test_without_a_file_and_a_storage_it_says_how_to_call_it(script: Path, job: dict[str, str]):
    done = subprocess.run(["bash", str(script), "x.yaml"], capture_output=True, text=True, env=job)
    assert done.returncode == 2 and "usage: sbatch" in done.stderr


@pytest.mark.slow
def test_two_jobs_of_an_array_share_the_sweep(job: dict[str, str], tmp_path: Path):
    sweep, storage = tmp_path / "tiny.yaml", tmp_path / "results"
    sweep.write_text(SWEEP)
    command = ["bash", str(ARRAY), str(sweep), str(storage), "--max-concurrent", "1", "--json-lines"]
    tasks = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=job, cwd=tmp_path) for _ in range(2)]
    printed = [task.communicate(timeout=240)[0] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], printed
    assert set(ls.finished(str(storage), "tiny").values()) == {"done"}
    lines = [json.loads(text) for output in printed for text in output.splitlines() if text.startswith("{")]
    computed = [line["run_id"] for line in lines if line["event"] == "run_finished"]
    assert len(computed) == len(set(computed)) == 2, "a run was computed by both jobs"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None or os.geteuid() != 0, reason="needs namespaces of its own: root")
def test_a_batch_job_starts_ray_runs_the_sweep_and_leaves_nothing(job: dict[str, str], tmp_path: Path):
    """In a process namespace of its own, since the symmetric run ends by stopping every Ray it sees."""
    sweep, storage = tmp_path / "tiny.yaml", tmp_path / "results"
    sweep.write_text(SWEEP)
    own = ["unshare", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child", "sh", "-c"]
    line = f'mkdir -p {tmp_path}/ray /tmp/ray && mount --bind {tmp_path}/ray /tmp/ray && bash {SCRIPT} "$@"; code=$?'
    line += "; pgrep -c raylet; exit $code"
    command = [*own, line, "sh", str(sweep), str(storage), "--json-lines"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=job, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "0", "a raylet is left"
    events = [json.loads(text) for text in done.stdout.splitlines() if text.startswith("{")]
    closed = next(event for event in events if event["event"] == "closed")
    assert closed["num_done"] == 2
    assert set(ls.finished(str(storage), "tiny").values()) == {"done"}
