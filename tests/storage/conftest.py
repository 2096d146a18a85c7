"""Rows to write, processes to race, and a real S3 server to talk to."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import llcray_storage as ls
import numpy as np
import pytest

WORKER = Path(__file__).with_name("worker.py")


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "results")


@pytest.fixture
def dataset(root: str) -> ls.Dataset:
    return ls.Dataset.create_or_open(root)


@pytest.fixture(scope="session")
def worker() -> ModuleType:
    """The rows that `worker.py` writes, for tests to compare with."""
    spec = importlib.util.spec_from_file_location("llcray_storage_worker", WORKER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def new_row() -> Callable[..., dict[str, Any]]:
    def make(run_id: str = "r1", **columns: Any) -> dict[str, Any]:
        return {"run_id": run_id, "sweep": "s", "status": "done", "llc": 1.5, **columns}

    return make


@pytest.fixture
def new_chains() -> Callable[..., list[dict[str, Any]]]:
    def make(seed: int = 0, num_chains: int = 2, num_draws: int = 20) -> list[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        loss = rng.gamma(2.0, size=(num_chains, num_draws))
        return [{"chain": chain, "n_beta": 10.0, "centered_loss": loss[chain]} for chain in range(num_chains)]

    return make


class Processes:
    """Children of one `worker.py`, to start, wait for and kill by their ids."""

    def __init__(self) -> None:
        self._server = subprocess.Popen([sys.executable, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._running: set[int] = set()

    def _ask(self, line: dict[str, Any]) -> int:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps(line).encode() + b"\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def start(self, **job: Any) -> int:
        credentials = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        pid = self._ask({**job, "environment": credentials})
        self._running.add(pid)
        return pid

    def wait(self, pid: int) -> int:
        self._running.discard(pid)
        return self._ask({"wait": pid})

    def run(self, **job: Any) -> int:
        return self.wait(self.start(**job))

    def kill(self, pid: int) -> int:
        os.kill(pid, signal.SIGKILL)
        return self.wait(pid)

    def kill_all(self) -> None:
        for pid in list(self._running):
            self.kill(pid)

    def close(self) -> None:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()


@pytest.fixture(scope="session")
def worker_processes() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.close()


@pytest.fixture
def processes(worker_processes: Processes) -> Iterator[Processes]:
    yield worker_processes
    worker_processes.kill_all()


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    """The port of moto's S3 server, which runs as a process of its own."""
    pytest.importorskip("moto", reason="moto[server] is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_it_answers(f"http://127.0.0.1:{port}/moto-api/")
        yield port
    finally:
        server.terminate()
        server.wait()


def _until_it_answers(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    pytest.fail(f"{url} does not answer")


@pytest.fixture
def s3_environment(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a dataset in a new bucket; credentials and endpoint are set where every S3 client looks for them."""
    endpoint = f"http://127.0.0.1:{s3_port}"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    bucket = f"bucket-{os.urandom(4).hex()}"
    with urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{bucket}", method="PUT")):
        pass
    return f"s3://{bucket}/results"
