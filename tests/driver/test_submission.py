"""A cluster reached from outside: submitted over HTTP and through Ray's client, watched, asked, left, found again."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import llcray_storage as ls
import pytest
from ray._common.utils import get_default_ray_temp_dir
from ray.cluster_utils import Cluster

from llcray.driver import SweepOptions, run_sweep
from llcray.driver.cluster.connect import forking_quietly
from llcray.driver.cluster.status import ask_to_stop, part_of_run, show_cluster, show_logs
from llcray.driver.cluster.submit import attach
from llcray.driver.errors import DriverError

# Ray leaves its own log files for the collector to close, which pytest would count against whichever test comes next.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

QUADRATICS = "[{kind: quadratic, num_params: {grid: [3, 5]}, num_data: 200}]"
SLOW = "{kind: python, factory: 'driver_targets:slow', arguments: {seconds: 3}}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Outside:
    """Addresses of a cluster that this process is no part of."""

    http: str
    client: str


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    http, client = free_port(), free_port()
    scratch = tempfile.mkdtemp(prefix="outside-")
    head = {
        "num_cpus": 0,
        "include_dashboard": True,
        "dashboard_port": http,
        "ray_client_server_port": client,
        "dashboard_agent_listen_port": free_port(),  # the usual one belongs to whichever Ray started first
        "temp_dir": scratch,
        "labels": {"llcray.io/usd-per-hour": "3600"},
    }
    Path(get_default_ray_temp_dir()).mkdir(parents=True, exist_ok=True)  # where the cluster leaves its address
    with forking_quietly():
        cluster = Cluster(initialize_head=True, head_node_args=head)
        cluster.add_node(num_cpus=1, dashboard_agent_listen_port=free_port())
        yield Outside(f"http://127.0.0.1:{http}", f"ray://127.0.0.1:{client}")
        cluster.shutdown()
    shutil.rmtree(scratch, ignore_errors=True)


def llcray(*words: str) -> subprocess.CompletedProcess[str]:
    """Our command in a process of its own: Ray's client can be used by one at a time."""
    command = [sys.executable, "-m", "llcray.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=280)


def test_a_relative_storage_is_refused_before_anything_is_sent(sweep_file, screen):
    with pytest.raises(DriverError, match=r"Storage 'results' is relative.*absolute path"):
        run_sweep(sweep_file(QUADRATICS), SweepOptions(address="http://127.0.0.1:1"), screen)


def test_event_files_are_refused_before_anything_is_sent(sweep_file, tmp_path, screen):
    options = SweepOptions(str(tmp_path), address="http://127.0.0.1:1", tensorboard=str(tmp_path / "board"))
    with pytest.raises(DriverError, match=r"--tensorboard .* cannot be used with --address"):
        run_sweep(sweep_file(QUADRATICS), options, screen)


def test_nobody_at_the_address_is_one_line(sweep_file, tmp_path, screen):
    with pytest.raises(DriverError, match=r"No Ray cluster answers at 'http://127\.0\.0\.1:1'"):
        run_sweep(sweep_file(QUADRATICS), SweepOptions(str(tmp_path), address="http://127.0.0.1:1"), screen)


def test_the_part_of_a_log_that_belongs_to_a_run_is_found():
    first = "llcray: trial t1 of sweep s, attempt 1: a b\nrun a done"
    log = f"start\n{first}\nllcray: trial t2 of sweep s, attempt 1: c\nboom"
    assert part_of_run(log, "c") == "llcray: trial t2 of sweep s, attempt 1: c\nboom"
    assert "boom" not in part_of_run(log, "b")


@pytest.mark.slow
def test_a_sweep_submitted_over_http_is_watched_to_its_end_found_again_and_its_logs_read(
    outside, sweep_file, tmp_path, screen
):
    storage = str(tmp_path / "results")
    assert run_sweep(sweep_file(QUADRATICS), SweepOptions(storage, address=outside.http), screen) == 0, screen.text
    runs = ls.finished(storage, "tiny")
    assert sorted(runs.values()) == ["done"] * 4
    assert "4 runs done" in screen.text and "job_manager.py" not in screen.text
    job = re.search(r"submitted as (llcray-tiny-\S+)", screen.text)
    assert job is not None
    printed = len(screen.text)
    assert attach(outside.http, job.group(1), screen, lambda job_id: "leave") == 0
    assert "4 runs done" in screen.text[printed:]
    show_logs(outside.http, next(iter(runs)), screen)
    assert f"run {next(iter(runs))} done" in screen.text


@pytest.mark.slow
def test_a_detached_sweep_shows_itself_and_stops_after_the_trials_under_way(
    outside, modules, sweep_file, tmp_path, screen
):
    storage = str(tmp_path / "results")
    path = sweep_file(f"[{', '.join(SLOW.replace('3}', f'3.{n:02}}}') for n in range(40))}]")
    modules_folder = tmp_path / "driver_targets"
    modules_folder.mkdir()
    source = Path(__file__).parent / "modules" / "driver_targets.py"
    (modules_folder / "__init__.py").write_text(source.read_text())
    options = SweepOptions(storage, address=outside.http, detach=True, py_modules=(str(modules_folder),))
    assert run_sweep(path, options, screen) == 0
    deadline = time.monotonic() + 240
    while len(ls.finished(storage, "tiny") if (tmp_path / "results" / "llcray.json").exists() else {}) < 2:
        assert time.monotonic() < deadline, screen.text
        time.sleep(0.5)
    show_cluster(outside.http, None, screen)
    assert re.search(r"tiny \(llcray-tiny-.*/80 runs done", screen.text), screen.text
    assert re.search(r"\$\d+\.\d\d so far at \$3600\.00 an hour", screen.text)
    assert ask_to_stop(outside.http, "tiny", None, False, screen) == 0
    assert attach(outside.http, None, screen, lambda job_id: "leave") == 130
    assert "No more trials start" in screen.text
    assert f"To go on: llcray sweep {path} --storage {storage} --address {outside.http} --py-module" in screen.text
    done = ls.finished(storage, "tiny")
    assert set(done.values()) == {"done"} and 2 <= len(done) < 80


@pytest.mark.slow
def test_rays_client_submits_too(outside, sweep_file, tmp_path):
    storage = str(tmp_path / "results")
    done = llcray("sweep", str(sweep_file(QUADRATICS)), "--address", outside.client, "--storage", storage)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 runs done" in done.stdout
    assert sorted(ls.finished(storage, "tiny").values()) == ["done"] * 4
