"""Chaos: a sweep on three nodes of one processor each, while workers, nodes and the driver are killed at random.

    python tests/driver/modules/driver_chaos.py --trials 60 --kills 25

Ends with an exception unless every run is ok, there once, and has the draws of the same runs done calmly, without Ray.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import llcray_storage as ls
import polars as pl
import psutil
from ray._common.network_utils import find_free_port
from ray._common.utils import get_default_ray_temp_dir
from ray.cluster_utils import Cluster

from llcray.driver.cluster.connect import forking_quietly
from llcray.estimation.trial import run_trial
from llcray.spec import TrialPlan, load_sweep

SWEEP = """
name: chaos
question: Is every run there, once?
targets: [{{kind: quadratic, num_params: 20, num_data: 1000}}]
replicates: {trials}
samplers: [{{kind: sgld, step_size: {{grid: [1.0e-3, 3.0e-4]}}, batch_size: 64}}]
sampling: {{num_chains: 2, until: {{relative_mcse: 1.0e-9}}, budget: {{num_gradients: 1.0e9, num_draws: 1024}}}}
"""
DRIVER = """
import sys
from llcray.driver import SweepOptions, run_sweep
options = SweepOptions(storage=sys.argv[2], address=sys.argv[3], max_retries=20, max_pack=1)
sys.exit(run_sweep(sys.argv[1], options))
"""
VICTIMS = ("worker", "node", "driver", "worker", "worker")
NUM_NODES = 3
SECONDS_TO_NOTICE = 240.0
"""Ray gives a head a minute to come back."""
SHARE_WITH_KILLS = 0.6
"""The kills come within this share of the runs: on a busy machine runs outpace them, and all have to come."""


class Chaos:
    """A cluster, a driver on it, and their killer."""

    def __init__(self, path: Path, storage: Path, folder: Path, seed: int) -> None:
        """Starts the cluster and the driver."""
        self.killed: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._path, self._storage = path, storage
        self._log = (folder / "driver.log").open("a")
        self._scratch = tempfile.mkdtemp(prefix="chaos-")
        head: dict[str, Any] = {
            "num_cpus": 0,
            "include_dashboard": False,
            "dashboard_port": find_free_port(),  # the usual one belongs to whichever Ray started first
            "temp_dir": self._scratch,
        }
        self._head = head
        self._scope = ExitStack()
        self._scope.enter_context(forking_quietly())
        Path(get_default_ray_temp_dir()).mkdir(parents=True, exist_ok=True)  # where the cluster leaves its address
        self._start_cluster()
        self._driver = self._start_driver()

    def _start_cluster(self) -> None:
        self._cluster = Cluster(initialize_head=True, head_node_args=self._head)
        self._nodes = [self._cluster.add_node(num_cpus=1) for _ in range(NUM_NODES)]

    def lose_the_head(self, when_done: int) -> int:
        """Kills the head's processes once some runs are done; returns the exit code that the driver ends with."""
        while len(ls.finished(str(self._storage), "chaos")) < when_done:
            assert self._driver.poll() is None, "the driver was faster"
            time.sleep(0.05)
        assert self._cluster.head_node is not None
        self._cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
        return self._driver.wait(timeout=SECONDS_TO_NOTICE)

    def begin_again(self) -> None:
        """Starts another cluster and another driver on the same dataset."""
        self._cluster.shutdown()
        self._start_cluster()
        self._driver = self._start_driver()

    def _start_driver(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", DRIVER, str(self._path), str(self._storage), self._cluster.address]
        return subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)

    def run(self, num_runs: int, num_kills: int) -> int:
        """Kills something each time that a share of the runs is done; returns the last driver's exit code."""
        while True:
            done = len(ls.finished(str(self._storage), "chaos"))
            code = self._driver.poll()
            if code is not None:
                return code
            kills = sum(self.killed.values())
            if kills < num_kills and done >= kills * num_runs * SHARE_WITH_KILLS / num_kills:
                self._kill(VICTIMS[kills % len(VICTIMS)])
            time.sleep(self._random.uniform(0.05, 0.3))

    def _kill(self, kind: str) -> None:
        if kind == "worker":
            workers = self._workers()
            if not workers:
                return
            self._random.choice(workers).kill()
        elif kind == "node":
            node = self._nodes.pop(self._random.randrange(NUM_NODES))
            self._cluster.remove_node(node, allow_graceful=False)
            self._nodes.append(self._cluster.add_node(num_cpus=1))
        else:
            self._driver.kill()
            self._driver.wait()
            self._driver = self._start_driver()
        self.killed[kind] += 1

    def _workers(self) -> list[psutil.Process]:
        found = []
        for process in psutil.Process().children(recursive=True):
            try:
                if "ray::ResourceTrainable" in " ".join(process.cmdline()[:1]):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def close(self) -> None:
        """Ends the driver and the cluster."""
        self._driver.kill()
        self._driver.wait()
        self._log.close()
        self._scope.close()
        self._cluster.shutdown()
        shutil.rmtree(self._scratch, ignore_errors=True)


def chaos(folder: Path, num_trials: int, num_kills: int, seed: int = 0) -> Counter[str]:
    """Runs a sweep under kills and checks what came of it; returns what was killed."""
    path, storage = folder / "chaos.yaml", folder / "results"
    path.write_text(SWEEP.format(trials=num_trials))
    runs = load_sweep(path).runs
    ls.Dataset.create_or_open(str(storage))
    trouble = Chaos(path, storage, folder, seed)
    try:
        code = trouble.run(len(runs), num_kills)
    finally:
        trouble.close()
    log = _check(folder, storage, runs, code)
    assert sum(trouble.killed.values()) == num_kills, f"{trouble.killed}\n{log}"
    _check_against_calm_runs(storage, folder / "calm", runs)
    return trouble.killed


def head_loss(folder: Path, num_trials: int) -> None:
    """Runs a sweep whose cluster loses its head, then the same again on another cluster, and checks what came of it."""
    path, storage = folder / "chaos.yaml", folder / "results"
    path.write_text(SWEEP.format(trials=num_trials))
    runs = load_sweep(path).runs
    ls.Dataset.create_or_open(str(storage))
    trouble = Chaos(path, storage, folder, seed=0)
    try:
        assert trouble.lose_the_head(when_done=3) != 0
        kept = ls.finished(str(storage), "chaos")
        assert 3 <= len(kept) < len(runs)
        trouble.begin_again()
        code = trouble.run(len(runs), num_kills=0)
    finally:
        trouble.close()
    _check(folder, storage, runs, code)


def _check(folder: Path, storage: Path, runs: Any, code: int) -> str:
    log = (folder / "driver.log").read_text()
    assert code == 0, log
    found = ls.scan_runs(str(storage), latest=False).collect()
    assert sorted(found["run_id"]) == sorted(run.run_id for run in runs), log
    assert set(found["status"]) == {"done"}, log
    return log


def _check_against_calm_runs(storage: Path, calm: Path, runs: Any) -> None:
    dataset = ls.Dataset.create_or_open(str(calm))
    for run in runs:
        list(run_trial(TrialPlan((run,)), "chaos", dataset))
    for value in ("draws_digest", "llc", "llc_mcse"):
        assert _column(storage, value).equals(_column(calm, value)), f"{value} differs from the calm runs"


def _column(storage: Path, name: str) -> pl.DataFrame:
    return ls.scan_runs(str(storage)).select("run_id", name).collect().sort("run_id")


def main() -> None:
    """Runs the chaos that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        killed = chaos(Path(folder), arguments.trials, arguments.kills, arguments.seed)
        runs = 2 * arguments.trials
        print(f"{runs} runs ok, once each, as calm runs; killed {dict(killed)}; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
