"""The page of a sweep under way: it follows the dataset, and is this user's alone."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import llcray_storage as ls
import pytest

from llcray.report.errors import ReportError
from llcray.report.page.watch import LivePage, PageServer, watch

ROW = {"sweep": "s", "status": "done", "verdict": "ok", "target_id": "t", "sampler_kind": "hmc"}


def add_run(root: Path, seed: int) -> None:
    row = {"run_id": f"r{seed}", "llc": 3.0 + seed, "llc_sampling_se": 0.1, "rhat": 1.0, "seed": seed}
    ls.Dataset.create_or_open(root).write_run({**ROW, **row})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PageServer]:
    """A server of a dataset that is not there yet, which looks at every request."""
    with PageServer(LivePage(tmp_path / "results", "s", None, seconds=0), 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server: PageServer, name: str = "", path: str | None = None, host: str | None = None) -> tuple[int, str, Any]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    headers = {"Host": host or f"127.0.0.1:{server.server_port}"}
    connection.request("GET", f"/{server.token}/{name}" if path is None else path, headers=headers)
    answer: HTTPResponse = connection.getresponse()
    return answer.status, answer.read().decode(), answer.headers


def test_the_page_waits_for_the_first_run_and_changes_with_the_dataset(server, tmp_path):
    _, waiting, _ = get(server)
    assert "No results yet" in waiting and 'http-equiv="refresh"' in waiting
    versions = [get(server, "version")[1]]
    for seed in (0, 1):
        add_run(tmp_path / "results", seed)
        status, page, headers = get(server)
        versions.append(get(server, "version")[1])
        assert (status, headers["Cache-Control"]) == (200, "no-store")
        assert f'"version":"{versions[-1]}"' in page and f"r{seed}" in page
        assert "connect-src 'self'" in page
    assert len(set(versions)) == 3
    assert get(server, "version")[1] == versions[-1]


REFUSED = {
    "another name": {"path": "/"},
    "a wrong token": {"path": "/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/"},
    "a part of the token": {"path": ""},
    "a file": {"name": "../../etc/passwd"},
    "a host of the web": {"host": "evil.example"},
    "a host of the web with the port": {"host": "evil.example:{port}"},
    "a port that is another": {"host": "127.0.0.1:1"},
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED.keys())
def test_nobody_else_reads_the_page(server, tmp_path, request_):
    """Other users of the machine do not know the name; a page of the web that points its own name here has a host."""
    add_run(tmp_path / "results", 0)
    words = {key: text.format(port=server.server_port) for key, text in request_.items()}
    if words.get("path") == "":
        words["path"] = f"/{server.token[:-1]}/"
    status, text, _ = get(server, **words)
    assert status == 404 and "r0" not in text and server.token not in text
    assert get(server, host=f"localhost:{server.server_port}")[0] == 200


def test_the_server_listens_on_the_loopback_interface_alone(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert len(server.token) >= 32


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ReportError, match=rf"^port {port} cannot be had: .*\. Give another --port, or none\.$"):
            watch(tmp_path, None, None, port, print)


def test_the_command_ends_on_an_interrupt(tmp_path):
    add_run(tmp_path / "results", 0)
    command = [sys.executable, "-m", "llcray.cli", "report", "results", "--watch"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/  \(Ctrl-C ends it\)\n", line)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, "Ended.\n")
