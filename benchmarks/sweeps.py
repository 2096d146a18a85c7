"""Trials an hour in a sweep of small networks, in packs and one target a trial, in this process on one core."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import llcray_storage as ls
import polars as pl

from llcray.spec import load_sweep, trials

SWEEP = """
name: many
question: How many small networks an hour?
targets:
  - architecture: {{kind: mlp, widths: [26, 26], activation: tanh}}
    teacher: {{kind: mlp, widths: [8], activation: tanh}}
    data: {{kind: gaussian, input_dimension: 8, num_data: 500}}
    noise: {{kind: gaussian, scale: 0.5}}
    training: {{kind: adam, num_steps: 500, polish_steps: 50}}
replicates: {targets}
posterior: {{localization: 100.0}}
samplers: [{{kind: sgld, step_size: 1.0e-4, batch_size: 64}}, {{kind: baoab, step_size: 5.0e-3, batch_size: 64}}]
sampling: {{num_chains: 4, until: {{relative_mcse: 1.0e-9}}, budget: {{num_gradients: 1.0e9, num_draws: 256}}}}
"""


@dataclass(frozen=True)
class Pace:
    """How a sweep went.

    Attributes:
        num_targets: Targets done.
        wall_seconds: Compilation excluded: a first target is done before.
        cpu_seconds: The same, of this process.
        num_compilations: Programs compiled for sampling.
    """

    num_targets: int
    wall_seconds: float
    cpu_seconds: float
    num_compilations: int


def packed_and_unpacked(num_targets: int) -> str:
    """The table of both."""
    lines = ["| targets a trial | targets an hour | CPU s a target | sampling programs compiled |", "|---|---|---|---|"]
    for size in (1, 16):
        pace = run(num_targets, size)
        hourly, each = 3600 * pace.num_targets / pace.wall_seconds, pace.cpu_seconds / pace.num_targets
        lines.append(f"| {size} | {hourly:,.0f} | {each:.2f} | {pace.num_compilations} |")
    return "\n".join(lines)


def run(num_targets: int, pack_size: int) -> Pace:
    """Does a sweep's trials one after another."""
    from llcray.estimation.trial import run_trial
    from llcray.sampling.program import compilations

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.yaml"
        path.write_text(SWEEP.format(targets=num_targets + pack_size))
        dataset = ls.Dataset.create_or_open(str(Path(folder) / "results"))
        runs = load_sweep(path).runs
        before = compilations.count
        for plan in trials(runs[: 2 * pack_size], 1, lambda _: pack_size):
            list(run_trial(plan, "many", dataset))
        started, cpu_started = time.perf_counter(), time.process_time()
        for plan in trials(runs[2 * pack_size :], 1, lambda _: pack_size):
            list(run_trial(plan, "many", dataset))
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu_started
        assert ls.scan_runs(dataset.root).select((pl.col("status") == "done").all()).collect().item()
        return Pace(num_targets, wall, cpu, compilations.count - before)
