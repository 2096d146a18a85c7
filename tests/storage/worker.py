"""Processes to race and to kill: `python worker.py` imports llcray_storage once, then forks one child per line of
JSON it reads.

It answers each line with one: the child's process id, or, asked to `wait`, its exit status. Forking before polars,
pyarrow and obstore have started a thread is safe, and makes a process cost milliseconds instead of the seconds their
import takes.
"""

import itertools
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import llcray_storage as ls
import numpy as np
from llcray_storage.store import failpoints


def row_of(index: int, sweep: str = "storm") -> dict:
    """Make the row that every process writes for run `index`."""
    return {"run_id": f"run{index:05d}", "sweep": sweep, "status": "done", "llc": float(index), "sampler_kind": "sgld"}


def chains_of(index: int) -> list[dict]:
    """Make the chains of run `index`; every draw is the number of its run."""
    return [{"chain": chain, "n_beta": 1.0, "centered_loss": np.full(50, index, np.float32)} for chain in range(2)]


def write(job: dict) -> None:
    """Write runs, in an order of this process's own, and note each in a file once it is acknowledged."""
    dataset = ls.Dataset.open(job["root"])
    order = np.random.default_rng(job.get("seed", 0)).permutation(job["count"])
    done = dataset.finished(job.get("sweep", "storm")) if job.get("resume") else {}
    for index in order:
        row = row_of(int(index), job.get("sweep", "storm"))
        if row["run_id"] not in done:
            outcome = dataset.write_run(row, chains_of(int(index)))
            if job.get("acknowledge"):
                with Path(job["acknowledge"]).open("a") as file:
                    file.write(f"{row['run_id']} {int(outcome.created)}\n")


def compact(job: dict) -> None:
    """Compact and vacuum, once or until killed."""
    for _ in itertools.count() if job.get("forever") else range(1):
        ls.compact(job["root"], grace_seconds=job["grace"])
        ls.vacuum(job["root"], grace_seconds=job["grace"])
        time.sleep(job.get("pause", 0.0))


def vacuum(job: dict) -> None:
    ls.vacuum(job["root"], grace_seconds=job["grace"])


def write_target(job: dict) -> None:
    ls.Dataset.open(job["root"]).write_target({"target_id": "target"}, {"w": np.arange(6.0).reshape(2, 3)})


def remove(job: dict) -> None:
    if job.get("run_ids"):
        ls.remove_runs(job["root"], "storm", job["run_ids"])
    else:
        ls.remove_sweep(job["root"], "storm")


def rename(job: dict) -> None:
    ls.rename_sweep(job["root"], "storm", "calm")


def gc(job: dict) -> None:
    ls.gc(job["root"], unused_seconds=job["grace"])


def read(job: dict) -> None:
    """Read until killed; fail on a run seen twice, a run that vanished, or draws of another run."""
    seen: set[str] = set()
    while True:
        runs = ls.scan_runs(job["root"], "storm").select("run_id").collect()["run_id"].to_list()
        draws = ls.scan_draws(job["root"], "storm").select("run_id", "chain", "centered_loss").collect()
        problems = []
        if len(set(runs)) != len(runs):
            problems.append("a run twice")
        if not seen <= set(runs):
            problems.append("a run vanished")
        if draws.select("run_id", "chain").is_duplicated().any():
            problems.append("a chain twice")
        if not set(runs) <= set(draws["run_id"]):
            problems.append("a run without draws")
        if any(
            set(values) != {float(name[3:])} for name, values in draws.select("run_id", "centered_loss").iter_rows()
        ):
            problems.append("draws of another run")
        if problems:
            raise AssertionError(", ".join(problems))
        seen = set(runs)


JOBS = {
    "write": write,
    "compact": compact,
    "vacuum": vacuum,
    "write_target": write_target,
    "gc": gc,
    "remove": remove,
    "rename": rename,
    "read": read,
}


def child(job: dict) -> None:
    """Do the job; die by SIGKILL at a failpoint when told to."""
    if "kill_at" in job:
        left = itertools.count(job.get("kill_on", 1), -1)

        def observer(name: str) -> None:
            if name == job["kill_at"] and next(left) <= 1:
                os.kill(os.getpid(), signal.SIGKILL)

        failpoints.observe(observer)
    try:
        JOBS[job["do"]](job)
    except BaseException:
        if "log" in job:
            with Path(job["log"]).open("a") as file:
                file.write(f"{job['do']}: {traceback.format_exc()}\n")
        os._exit(1)
    os._exit(0)


def serve() -> None:
    """Read lines of JSON and fork a child, or wait for one, as each says."""
    for line in sys.stdin:
        job = json.loads(line)
        if "wait" in job:
            _, status = os.waitpid(job["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            os.environ.update(job["environment"])
            child(job)
        print(pid, flush=True)


if __name__ == "__main__":
    serve()
