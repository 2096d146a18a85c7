"""What the driver costs a trial: a sweep of many short trials, against the same trials in a plain loop.

    python benchmarks/driver_overhead.py --trials 200

Prints, per trial: seconds a slot was idle between two trials (what the driver adds), seconds of wall time, CPU seconds
of the driver's process, and the same of the plain loop. On a machine that is busy otherwise, trust the CPU seconds.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import llcray_storage as ls
import polars as pl

from llcray.driver import SweepOptions, run_sweep
from llcray.driver.machine import usable_cpus
from llcray.spec import TrialPlan, load_sweep

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
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.yaml"
        path.write_text(SWEEP.format(trials=arguments.trials, draws=arguments.draws))
        _sweep(path, Path(folder) / "swept", arguments.time_budget, arguments.max_pack)
        _loop(path, Path(folder) / "looped", arguments.loop_trials)


def _sweep(path: Path, storage: Path, time_budget: float | None, max_pack: int | None) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    code = run_sweep(
        path, SweepOptions(storage=str(storage), quiet=True, time_budget=time_budget, max_pack=max_pack or None)
    )
    wall = time.perf_counter() - started
    runs = ls.scan_runs(str(storage)).select("started_at", "finished_at", "host", "sampling_seconds").collect()
    trials = len(runs)
    times = list(runs.select("started_at", "finished_at").iter_rows())
    span = (max(end for _, end in times) - min(start for start, _ in times)).total_seconds()
    busy = sum((end - start).total_seconds() for start, end in times)
    slots = usable_cpus()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"sweep of {trials} trials done on {slots} slots: exit code {code}, {wall:.1f} s in all, peak {peak:.0f} MiB")
    print(f"  sampling                   {runs['sampling_seconds'].median():8.3f} s a trial (median)")
    print(f"  idle slot between trials   {(slots * span - busy) / trials:8.3f} s a trial")
    print(f"  wall, first start to end   {span / trials:8.3f} s a trial")
    print(f"  start and end of the sweep {wall - span:8.1f} s")
    files = [path for path in storage.rglob("*") if path.is_file()]
    print(f"  files of the dataset       {len(files):8d}, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB")
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
