"""Ctrl-C and SIGTERM, from outside, on a sweep that started its own Ray; and the sweep that goes on afterwards."""

import signal
import subprocess
import sys
import time

import llcray_storage as ls
import psutil
import pytest

from llcray.driver import SweepOptions, run_sweep

SLOW = "{kind: python, factory: 'driver_targets:slow', arguments: {seconds: 600}}"
QUICK = "{kind: quadratic, num_params: {grid: [3, 5]}, num_data: 200}"
PROGRAM = """
import sys
from llcray.driver import SweepOptions, run_sweep
sys.exit(run_sweep(sys.argv[1], SweepOptions(storage=sys.argv[2])))
"""


def wait_until(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def num_finished(storage: str) -> int:
    try:
        return len(ls.finished(storage, "tiny"))
    except ls.StorageError:
        return 0


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_keeps_finished_runs_says_how_to_go_on_and_leaves_no_process(cluster, sweep_file, tmp_path, number):
    path, storage = sweep_file(f"[{SLOW}, {QUICK}]"), str(tmp_path / "results")
    command = [sys.executable, "-c", PROGRAM, str(path), storage]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
        wait_until(lambda: num_finished(storage) >= 2)
        offspring = psutil.Process(program.pid).children(recursive=True)
        commands = [" ".join(process.cmdline()) for process in offspring]
        program.send_signal(number)
        started = time.monotonic()
        printed, _ = program.communicate(timeout=60)
    assert program.returncode == 130, printed
    assert time.monotonic() - started < 30
    assert "finished runs kept" in printed and f"llcray sweep {path} --storage {storage}" in printed
    assert "Traceback" not in printed
    _, alive = psutil.wait_procs(offspring, timeout=10)
    assert not alive
    # Daemons that no trial needs took two seconds of processor time from each sweep.
    assert any("gcs_server" in command for command in commands)
    assert not [command for command in commands if "dashboard/dashboard.py" in command or "monitor.py" in command]


@pytest.mark.slow
def test_a_sweep_whose_driver_was_killed_goes_on_where_it_was(cluster, sweep_file, tmp_path, screen):
    path, storage = sweep_file(f"[{SLOW}, {QUICK}]"), str(tmp_path / "results")
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(path), storage], stdout=subprocess.DEVNULL) as program:
        wait_until(lambda: num_finished(storage) >= 2)
        offspring = psutil.Process(program.pid).children(recursive=True)
        # Ray's two agents give up on a dead Ray after a minute; they compute nothing.
        offspring = [process for process in offspring if not process.name().endswith("Agent")]
        program.kill()
    _, alive = psutil.wait_procs(offspring, timeout=30)
    assert not alive
    kept = num_finished(storage)
    sweep_file(f"[{QUICK}, {{kind: quadratic, num_params: 4}}]")
    assert run_sweep(path, SweepOptions(storage=storage), screen) == 0
    found = ls.scan_runs(storage, latest=False).collect()
    assert found["run_id"].n_unique() == len(found) == 6
    assert f"{6 - kept} runs done" in screen.text
