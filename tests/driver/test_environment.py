"""A machine that cannot run a sweep says so before rows are written; a Ray that dies costs no finished run."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import llcray_storage as ls
import psutil
import pytest

from llcray.driver import DriverError, SweepOptions, run_sweep
from llcray.driver.cluster import connect, watch
from llcray.driver.cluster.ray_internals import own_token

CHECK = "from llcray.driver.trials.process import check_platform; check_platform()"
PROGRAM = """
import sys
from llcray.cli import main
main(["sweep", sys.argv[1], "--storage", sys.argv[2], "--max-pack", "1", *sys.argv[3:]])
"""
SLOW = "{kind: python, factory: 'driver_targets:slow', arguments: {seconds: 600}}"


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


WITHOUT_A_CLUSTER = [
    ({"detach": True}, "--detach needs a cluster: .* nohup"),
    ({"py_modules": ("x",)}, "--py-module x needs a cluster: .* PYTHONPATH"),
]


@pytest.mark.parametrize(("option", "remedy"), WITHOUT_A_CLUSTER)
def test_options_of_a_cluster_are_refused_without_one(sweep_file, tmp_path, screen, option, remedy):
    """They were ignored: a detached sweep died with its terminal."""
    with pytest.raises(DriverError, match=remedy):
        run_sweep(sweep_file("[{kind: quadratic, num_params: 3}]"), SweepOptions(str(tmp_path / "r"), **option), screen)
    assert not (tmp_path / "r").exists()


def test_a_ray_needs_no_home_folder_that_can_be_written(tmp_path, monkeypatch):
    """Ray makes ~/.ray/auth_token, and ended with 53 lines where it could not."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert own_token() == {}
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    first, second = own_token(), own_token()
    assert len(first["RAY_AUTH_TOKEN"]) == 64 and first != second
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert own_token() == {}


def test_temporary_files_go_where_there_is_room_or_the_place_is_named(tmp_path, monkeypatch):
    assert connect._scratch_base() in (Path("/tmp"), Path(os.environ.get("TMPDIR", "/tmp")))
    monkeypatch.setattr(connect, "SCRATCH_BYTES", 2**60)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    with pytest.raises(DriverError, match=r"'/tmp' has [\d.]+ MB free, '.*none' \(No such file.*set TMPDIR"):
        connect._scratch_base()


def test_a_platform_that_is_not_there_is_named_with_the_remedy():
    found = run([sys.executable, "-c", CHECK], JAX_PLATFORMS="nowhere")
    assert found.returncode == 1
    last = found.stderr.strip().splitlines()[-1]
    assert "PlatformError: JAX_PLATFORMS=nowhere asks for a device" in last and "Unset JAX_PLATFORMS" in last
    assert run([sys.executable, "-c", CHECK], JAX_PLATFORMS="cpu").returncode == 0


@pytest.mark.slow
def test_a_sweep_on_a_platform_that_is_not_there_writes_no_failed_rows(sweep_file, tmp_path):
    path, storage = sweep_file("[{kind: quadratic, num_params: 3, num_data: 200}]"), str(tmp_path / "results")
    found = run([sys.executable, "-c", PROGRAM, str(path), storage], JAX_PLATFORMS="cuda")
    assert found.returncode == 2, found.stderr
    assert "JAX_PLATFORMS=cuda" in found.stderr and "Traceback" not in found.stderr
    assert ls.finished(storage, "tiny") == {}


@pytest.mark.slow
@pytest.mark.parametrize("daemon", ["raylet", "gcs_server"])
def test_a_ray_that_dies_keeps_finished_runs_and_says_how_to_go_on(modules, sweep_file, tmp_path, daemon):
    """Ray ended the driver after 14 to 64 seconds without a word of what to do."""
    path, storage = sweep_file(f"[{SLOW}, {{kind: quadratic, num_params: 3, num_data: 200}}]"), str(tmp_path / "r")
    command = [sys.executable, "-c", PROGRAM, str(path), storage]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
        deadline = time.monotonic() + 120
        while not _num_finished(storage):
            assert time.monotonic() < deadline and program.poll() is None
            time.sleep(0.1)
        # Ray's two agents give up on a dead Ray after a minute; they compute nothing.
        found = psutil.process_iter(["name"])
        inside = {process.pid for process in psutil.Process(program.pid).children(recursive=True)}
        offspring = {process: process.info["name"] or "" for process in found if process.pid in inside}
        next(process for process, name in offspring.items() if name == daemon).kill()
        printed, _ = program.communicate(timeout=10)
    assert program.returncode == 130, printed
    assert f"its {daemon} is gone" in printed and f"llcray sweep {path} --storage {storage} --max-pack 1" in printed
    assert "Traceback" not in printed
    left = [process for process, name in offspring.items() if not name.endswith("Agent")]
    assert psutil.wait_procs(left, timeout=10)[1] == []
    assert not list(Path("/tmp").glob(f"llcray-{program.pid}-*"))


@pytest.fixture
def head(tmp_path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A Ray of another process, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="head", dir="/tmp")
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", f"--port={port}"]
    start += ["--node-ip-address=127.0.0.1", "--num-cpus=2", "--include-dashboard=false", f"--temp-dir={folder}"]
    environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    process = subprocess.Popen(start, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process, f"127.0.0.1:{port}"
    finally:
        _kill_with_offspring(process.pid)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_a_joined_cluster_whose_head_dies_keeps_finished_runs_and_says_how_to_go_on(
    modules, sweep_file, tmp_path, head
):
    """Ray ended the driver from within after up to a minute, with lines of its own and exit code 1."""
    path, storage = sweep_file(f"[{SLOW}, {{kind: quadratic, num_params: 3, num_data: 200}}]"), str(tmp_path / "r")
    process, address = head
    command = [sys.executable, "-c", PROGRAM, str(path), storage, "--address", address]
    environment = os.environ | {"RAY_AUTH_MODE": "disabled"}
    _wait_for(address)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as program:
        deadline = time.monotonic() + 240
        while not _num_finished(storage):
            assert time.monotonic() < deadline and program.poll() is None
            time.sleep(0.1)
        _kill_with_offspring(process.pid)
        printed, _ = program.communicate(timeout=30)
    assert program.returncode == 130, printed
    assert f"The cluster at {address} is gone" in printed and re.search(r"\d finished runs? kept", printed)
    assert f"llcray sweep {path} --storage {storage} --address {address} --max-pack 1" in printed
    assert "Traceback" not in printed


def test_a_place_that_is_silent_for_a_moment_is_not_lost(monkeypatch):
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(watch, "SECONDS_OF_SILENCE", 0.6)
    lost: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()
        with watch.watch_places({"head": place}, lost.append):
            time.sleep(0.2)
            server.close()
            time.sleep(0.2)
            assert lost == []
            with socket.create_server(place, reuse_port=False):
                time.sleep(0.9)
                assert lost == []
            time.sleep(1.2)
    assert lost == ["head"]


def _kill_with_offspring(pid: int) -> None:
    """Kills a process of this test's with all that it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _wait_for(address: str) -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.2)
    raise AssertionError("Ray has not started")


def _num_finished(storage: str) -> int:
    try:
        return len(ls.finished(storage, "tiny"))
    except ls.StorageError:
        return 0
