"""`cluster/on_premise.yaml` for real: `ray up` over ssh, a sweep submitted from outside, a node killed, `ray down`.

    python tests/cluster/modules/cluster_on_premise.py

A desk, a head and two workers, see `cluster_lan`. Prints the seconds that each step took.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llcray_storage as ls
import yaml
from cluster_lan import Lan, Machine, why_not  # pyright: ignore[reportMissingImports]

ROOT = Path(__file__).parents[3]
CLUSTER_FILE = ROOT / "cluster" / "on_premise.yaml"
SWEEP_FILE = ROOT / "experiments" / "quickstart.yaml"
MOST_ATTEMPTS = 3
SITE = "~/llcray-env/lib/python{version}/site-packages"


class OnPremise:
    """A cluster that is brought up from the repository's file, with the seconds that each step took."""

    def __init__(self, folder: Path) -> None:
        """Boots the machines; the cluster is not up yet."""
        self.folder = folder
        self.seconds: dict[str, float] = {}
        self.storage = folder / "results"
        keep = [Path(sys.prefix), Path(sys.base_prefix), ROOT]
        self.lan = self._timed("machines booted", lambda: Lan(folder, 3, keep))
        self.head, self.workers = self.lan.nodes[0], self.lan.nodes[1:]
        self.address = f"http://{self.head.address}:8265"
        self.file = folder / "on_premise.yaml"
        self._build_wheel()
        self.ray("get-auth-token", "--generate")
        self.file.write_text(yaml.safe_dump(self._config()))

    def _timed(self, step: str, work: Callable[[], Any]) -> Any:
        started = time.monotonic()
        result = work()
        self.seconds[step] = time.monotonic() - started
        return result

    def _build_wheel(self) -> None:
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(self.folder / "dist")]
        done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def _config(self) -> dict[str, Any]:
        """Writes the repository's file with its blanks filled in, and an install that needs no network."""
        config = yaml.safe_load(CLUSTER_FILE.read_text())
        config["provider"] |= {"head_ip": self.head.address, "worker_ips": [one.address for one in self.workers]}
        config["auth"] = {"ssh_user": "root", "ssh_private_key": str(self.lan.key)}
        local = {"constraints.txt": str(ROOT / "constraints.txt"), "dist": str(self.folder / "dist")}
        config["file_mounts"] = {there: local.get(here, here) for there, here in config["file_mounts"].items()}
        config["setup_commands"] = [*config["setup_commands"][:1], *_offline_setup()]
        # The machines share this one's processors, with whatever else it does.
        worker_start = config["worker_start_ray_commands"]
        one_cpu = worker_start[-1].replace("ray start ", "ray start --num-cpus=1 ")
        worker_start[-1] = f"export RAY_worker_niceness=0; {one_cpu}"
        return config

    def ray(self, *words: str, timeout: float = 300) -> str:
        """Runs a command of Ray's on the desk."""
        return self._desk(["ray", *words], timeout)

    def llcray(self, *words: str, timeout: float = 300) -> str:
        """Runs a command of ours on the desk."""
        return self._desk([sys.executable, "-m", "llcray.cli", *words], timeout)

    def _desk(self, words: Sequence[str], timeout: float) -> str:
        quoted = " ".join(f"'{word}'" for word in words)
        return self.lan.desk.run(f"{_variables()} {quoted}", timeout)

    def up(self) -> None:
        """Runs `ray up`, and waits until all machines are there."""
        self._timed("ray up", self._ray_up)
        wait = lambda: _wait_until(lambda: "3 machines" in self.llcray("status", "--address", self.address))  # noqa: E731
        self._timed("all machines joined", wait)

    def _ray_up(self) -> None:
        """Runs `ray up`, again where a raylet needed more than the half minute that Ray allows it."""
        for attempt in range(MOST_ATTEMPTS):
            try:
                self.ray("up", "-y", str(self.file))
                return
            except AssertionError as error:
                if attempt + 1 == MOST_ATTEMPTS or "timed out during startup" not in str(error):
                    raise

    def sweep(self, overrides: Sequence[str]) -> "subprocess.Popen[bytes]":
        """Submits the sweep and watches it."""
        words = ["sweep", str(SWEEP_FILE), "--address", self.address, "--storage", str(self.storage)]
        words += [word for override in overrides for word in ("--set", override)]
        line = f"{_variables()} {sys.executable} -m llcray.cli {' '.join(words)}"
        return self.lan.desk.start(["bash", "-c", line], self.folder / "sweep.log")

    def num_done(self) -> int:
        """Counts the runs in the dataset."""
        try:
            return len(ls.finished(str(self.storage), "quickstart"))
        except ls.StorageError:
            return 0

    def kill_ray_on(self, machine: Machine) -> None:
        """Sends SIGKILL to every process of Ray's on a machine."""
        machine.run("pkill -9 -f -- '[r]ay' || true")

    def down(self) -> None:
        """Runs `ray down`, and waits until no process of Ray's is left on any node."""
        self._timed("ray down", lambda: self.ray("down", "-y", str(self.file)))
        self._timed("workers stopped", self._stop_workers)
        self._timed("last process gone", lambda: _wait_until(lambda: not self.left_processes(), seconds=180))

    def _stop_workers(self) -> None:
        """Stops Ray on the workers, as the file's header says."""
        for worker in self.workers:
            ssh = f"ssh -q -i {self.lan.key} -o StrictHostKeyChecking=no root@{worker.address}"
            self.lan.desk.run(f"{ssh} llcray-env/bin/ray stop")

    def left_processes(self) -> list[int]:
        """Returns the processes of Ray's on the nodes."""
        return list(itertools.chain.from_iterable(node.processes("[r]ay") for node in self.lan.nodes))

    def close(self) -> None:
        """Ends all machines."""
        self.lan.power_off()


def prove(folder: Path, overrides: Sequence[str], num_runs: int) -> dict[str, float]:
    """Brings a cluster up, submits a sweep, kills a node, and checks the dataset; returns the seconds of each step."""
    place = OnPremise(folder)
    try:
        place.up()
        started = time.monotonic()
        driver = place.sweep(overrides)
        _wait_until(lambda: place.num_done() >= 2 or driver.poll() is not None, seconds=900)
        place.seconds["submitted, two runs done"] = time.monotonic() - started
        assert driver.poll() is None, (folder / "sweep.log").read_text()
        place.kill_ray_on(place.workers[-1])
        killed = time.monotonic()
        place.seconds["node killed after"] = killed - started
        code = driver.wait(timeout=900)
        place.seconds["finished, after the kill"] = time.monotonic() - killed
        log = (folder / "sweep.log").read_text()
        assert code == 0, log
        _check(place.storage, num_runs, log)
        place.down()
    finally:
        place.close()
    return place.seconds


def _check(storage: Path, num_runs: int, log: str) -> None:
    rows = ls.scan_runs(str(storage), latest=False).select("run_id", "status", "host").collect()
    assert rows["status"].to_list() == ["done"] * num_runs, log
    assert rows["run_id"].n_unique() == num_runs
    hosts = set(rows["host"])
    assert "node1" not in hosts, f"trials ran on the head: {hosts}"
    assert ls.verify(str(storage)).ok


def _offline_setup() -> list[str]:
    """Stands in for `pip install`: the wheel, unpacked, over the packages of the Python that runs this."""
    site = SITE.format(version=sysconfig.get_python_version())
    entry = "import sys; from ray.scripts.scripts import main; sys.exit(main())"
    return [
        f"{sys.executable} -m venv --without-pip ~/llcray-env",
        f"echo {sysconfig.get_path('purelib')} > {site}/dependencies.pth",
        f"~/llcray-env/bin/python -m zipfile -e ~/llcray-install/dist/llcray-*.whl {site}",
        f"printf '%s\\n' \"#!$HOME/llcray-env/bin/python\" '{entry}' > ~/llcray-env/bin/ray",
        "chmod +x ~/llcray-env/bin/ray",
    ]


def _variables() -> str:
    """Returns variables for commands on the desk: this Python's programs, and the checkout if not installed."""
    path = f"{Path(sys.executable).parent}:$PATH"
    return f"cd {ROOT} && PATH={path} PYTHONPATH={os.environ.get('PYTHONPATH', '')} RAY_USAGE_STATS_ENABLED=0"


def _wait_until(condition: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.5)


def main() -> None:
    """Proves the file and prints the seconds of each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="passed on to the sweep")
    parser.add_argument("--runs", type=int, default=12, help="runs that the sweep then has")
    parser.add_argument("--keep", type=Path, help="folder to work in and leave")
    arguments = parser.parse_args()
    if reason := why_not():
        sys.exit(reason)
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="on-premise-"))
    folder.mkdir(exist_ok=True)
    seconds = prove(folder, arguments.overrides, arguments.runs)
    for step, taken in seconds.items():
        print(f"{step:28s} {taken:7.1f} s")
    print(json.dumps(seconds))
    if not arguments.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
