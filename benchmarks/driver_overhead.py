"""What the driver costs a trial: a sweep of many short trials, against the same trials in a plain loop.

    python benchmarks/driver_overhead.py --trials 200
    python benchmarks/driver_overhead.py --trials 10000 --nodes 32 --idle --loop-trials 0

The second line has Ray simulate 32 machines on this one, and trials that sample nothing: what is left is the scheduling
and the dataset. Prints, per trial: seconds a slot was idle between two trials (what the driver adds), seconds of wall
time, CPU seconds of the driver's process, and the same of the plain loop. On a machine that is busy otherwise, trust
the CPU seconds.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import polars as pl
import psutil
from llcray_storage.schema.status import DONE

from llcray.driver import SweepOptions, run_sweep
from llcray.driver.machine import usable_cpus
from llcray.driver.progress.failures import FailuresOnly
from llcray.driver.progress.reports import RunReport, TrialReport
from llcray.driver.progress.tracker import Tracker
from llcray.driver.trials import scheduling
from llcray.driver.trials.trainable import SweepTrial
from llcray.spec import TrialPlan, load_sweep, spec_columns
from llcray.terminal.console import Terminal

SWEEP = """
name: many
question: What does the driver add to a trial?
targets: [{{kind: quadratic, num_params: 50, num_data: 1000}}]
replicates: {trials}
samplers: [{{kind: sgld, step_size: 1.0e-3, batch_size: 64}}]
sampling: {{num_chains: 4, until: {{relative_mcse: 1.0e-9}}, budget: {{num_gradients: 1.0e9, num_draws: {draws}}}}}
"""


def main() -> None:
    """Runs the sweep, then the loop, and prints the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--draws", type=int, default=512, help="draws a chain; sets how long a trial samples")
    parser.add_argument("--time-budget", type=float, help="seconds after which the sweep stops")
    parser.add_argument("--max-pack", type=int, default=1, help="targets a trial; 0 for as many as suits")
    parser.add_argument("--loop-trials", type=int, default=20, help="trials of the plain loop")
    parser.add_argument("--nodes", type=int, default=0, help="simulated machines of one slot each; 0 for this machine")
    parser.add_argument("--idle", action="store_true", help="trials sample nothing: they write their rows and draws")
    arguments = parser.parse_args()
    if arguments.idle:
        scheduling.SweepTrial = IdleTrial
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.yaml"
        path.write_text(SWEEP.format(trials=arguments.trials, draws=arguments.draws))
        with _simulated(arguments.nodes) if arguments.nodes else nullcontext(usable_cpus()) as slots:
            _sweep(path, Path(folder) / "swept", arguments.time_budget, arguments.max_pack, slots)
        if arguments.loop_trials:
            _loop(path, Path(folder) / "looped", arguments.loop_trials)


@contextmanager
def _simulated(num_nodes: int) -> Iterator[int]:
    """A cluster of a head and so many machines, all of them here; yields its number of slots."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(num_nodes):
            cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        yield num_nodes
    finally:
        ray.shutdown()
        cluster.shutdown()


class IdleTrial(SweepTrial):
    """Commits the runs of a trial with made-up draws, so that what a sweep costs beside its trials is left."""

    def _begin(self, plan: TrialPlan, attempt: int) -> Any:
        del attempt
        return _Idle(plan, self._assignment.sweep, self._dataset)


class _Idle:
    def __init__(self, plan: TrialPlan, sweep: str, dataset: ls.Dataset) -> None:
        self._plan, self._sweep, self._dataset = plan, sweep, dataset

    def next_report(self, timeout: float) -> tuple[TrialReport, bool]:
        """Writes the rows and says that the trial is over."""
        del timeout
        from datetime import UTC, datetime

        finished = []
        for run in self._plan.runs:
            started_at, losses = datetime.now(UTC), np.zeros(run.sampling.budget.num_draws, np.float32)
            draws = [{"chain": chain, "n_beta": 1.0, "centered_loss": losses} for chain in range(4)]
            row = {**spec_columns(run), "sweep": self._sweep, "trial_id": self._plan.trial_id, "status": DONE}
            row |= {"llc": 1.0, "sampling_seconds": 0.0, "started_at": started_at, "finished_at": datetime.now(UTC)}
            self._dataset.write_run(row, draws)
            finished.append(RunReport(run.run_id, DONE))
        return TrialReport(tuple(finished)), True

    def cancel(self) -> None:
        """Does nothing: nothing is under way."""


class _Memory(FailuresOnly):
    """Notes the memory that the driver takes while trials run, in MiB, by the number of runs that are finished."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal)
        self.taken: dict[int, float] = {}

    def tick(self, tracker: Tracker) -> None:
        self.taken[len(tracker.finished)] = psutil.Process(os.getpid()).memory_info().rss / 2**20

    @property
    def growth(self) -> float:
        """Growth from the fifth part of the runs on, kB a run."""
        last = max(self.taken)
        first = min(number for number in self.taken if number >= last / 5)
        return 1024 * (self.taken[last] - self.taken[first]) / max(1, last - first)


def _sweep(path: Path, storage: Path, time_budget: float | None, max_pack: int | None, slots: int) -> None:
    started, cpu, memory = time.perf_counter(), time.process_time(), _Memory(Terminal())
    options = SweepOptions(storage=str(storage), quiet=True, time_budget=time_budget, max_pack=max_pack or None)
    code = run_sweep(path, options, view=memory)
    wall = time.perf_counter() - started
    runs = ls.scan_runs(str(storage)).select("started_at", "finished_at", "host", "sampling_seconds").collect()
    trials = len(runs)
    times = list(runs.select("started_at", "finished_at").iter_rows())
    span = (max(end for _, end in times) - min(start for start, _ in times)).total_seconds()
    busy = sum((end - start).total_seconds() for start, end in times)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"sweep of {trials} trials done on {slots} slots: exit code {code}, {wall:.1f} s in all")
    most = max(memory.taken.values())
    print(f"  memory of the driver       {most:8.0f} MiB while trials run, {peak:.0f} MiB at most")
    print(f"  growth of that             {memory.growth:8.1f} kB a run")
    print(f"  sampling                   {runs['sampling_seconds'].median():8.3f} s a trial (median)")
    print(f"  idle slot between trials   {(slots * span - busy) / trials:8.3f} s a trial")
    print(f"  wall, first start to end   {span / trials:8.3f} s a trial")
    print(f"  start and end of the sweep {wall - span:8.1f} s")
    files = [path for path in storage.rglob("*") if path.is_file()]
    hot = sum(1 for path in files if path.name.startswith(("t-", "c-")) or path.suffix == ".safetensors")
    size = sum(path.stat().st_size for path in files) / 1e6
    print(
        f"  files of the dataset       {hot / trials:8.2f} a run before compaction; {len(files)} in all, {size:.1f} MB"
    )
    print(f"  CPU of the driver          {(time.process_time() - cpu) / trials:8.3f} s a trial")


def _loop(path: Path, storage: Path, trials: int) -> None:
    from llcray.estimation.trial import run_trial

    dataset = ls.Dataset.create_or_open(str(storage))
    runs = load_sweep(path).runs[: trials + 1]
    list(run_trial(TrialPlan(runs[:1]), "many", dataset))
    started, cpu = time.perf_counter(), time.process_time()
    for run in runs[1:]:
        list(run_trial(TrialPlan((run,)), "many", dataset))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    median = ls.scan_runs(str(storage)).select(pl.col("sampling_seconds").median()).collect().item()
    print(f"plain loop of {trials} trials:")
    print(f"  sampling                   {median:8.3f} s a trial (median)")
    print(f"  wall                       {wall / trials:8.3f} s a trial")
    print(f"  CPU                        {cpu / trials:8.3f} s a trial")


if __name__ == "__main__":
    main()
