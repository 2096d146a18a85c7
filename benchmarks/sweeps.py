"""Trials an hour in a sweep of small networks, in packs and one target a trial, in this process on one core.

A second table says where the CPU time of a target goes, and how long its gradients take alone: as XLA computes them in
a loop of their own, and if their matrix products ran at the peak of a large one.
"""

import cProfile
import pstats
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import contestants
import jax
import jax.numpy as jnp
import llcray_storage as ls
import task

from llcray.spec import TrialPlan, load_sweep, trials

WIDTHS = (8, 26, 26, 1)
NUM_DATA, TRAINING_STEPS, POLISH_STEPS = 500, 500, 50
PARTS = {
    "training": [("minimize.py", "minimize")],
    "curvature, spectrum": [("curvature.py", "curvature_scales"), ("quadrature.py", "spectra")],
    "chains and losses": [("engine.py", "answer")],
    "estimates": [("estimate.py", "estimate")],
    "writing": [("dataset.py", "write_run"), ("dataset.py", "write_target")],
}
"""The functions that do a part of a target's work, by file and name; none of them calls another."""

SWEEP = """
name: many
question: How many small networks an hour?
targets:
  - architecture: {{kind: mlp, widths: [26, 26], activation: tanh}}
    teacher: {{kind: mlp, widths: [8], activation: tanh}}
    data: {{kind: gaussian, input_dimension: 8, num_data: {num_data}}}
    noise: {{kind: gaussian, scale: 0.5}}
    training: {{kind: adam, num_steps: {training_steps}, polish_steps: {polish_steps}}}
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
        wall_seconds: Compilation excluded: a first trial is done before.
        cpu_seconds: The same, of this process.
        num_compilations: Programs compiled for sampling.
        num_gradients: Gradients of all runs, full-data equivalents.
        parts: CPU-seconds by the name of the part; of a sweep that was profiled.
    """

    num_targets: int
    wall_seconds: float
    cpu_seconds: float
    num_compilations: int
    num_gradients: float
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def passes(self) -> float:
        """Gradients of a target's training and runs, each over all data."""
        return self.num_gradients / self.num_targets + TRAINING_STEPS + POLISH_STEPS


def packed_and_unpacked(num_targets: int) -> str:
    """The tables of both."""
    lines = ["| targets a trial | targets an hour | CPU s a target | sampling programs compiled |", "|---|---|---|---|"]
    for size in (1, 16):
        pace = run(num_targets, size)
        hourly, each = 3600 * pace.num_targets / pace.wall_seconds, pace.cpu_seconds / pace.num_targets
        lines.append(f"| {size} | {hourly:,.0f} | {each:.2f} | {pace.num_compilations} |")
    return "\n".join([*lines, "", *_where_it_goes(max(16, num_targets // 4))])


def _where_it_goes(num_targets: int) -> list[str]:
    """The table of the parts, in CPU milliseconds a target, with those of the profile: half as many again."""
    lines = [f"| targets a trial | {' | '.join(PARTS)} | rest | all | gradients alone | their products at peak |"]
    lines.append("|" + "---|" * 10)
    for size in (1, 16):
        pace = run(num_targets, size, profiled=True)
        gradients = pace.passes * _gradient_seconds()
        products = task.operations_per_step(NUM_DATA, WIDTHS) * pace.passes / contestants.peak()
        known = [pace.parts[name] for name in PARTS]
        numbers = [*known, pace.cpu_seconds - sum(known), pace.cpu_seconds]
        each = " | ".join(f"{1000 * seconds / num_targets:.0f}" for seconds in numbers)
        lines.append(f"| {size} | {each} | {1000 * gradients:.0f} | {1000 * products:.0f} |")
    return lines


def _gradient_seconds() -> float:
    """CPU-seconds of the perceptron's gradient over all data, one after another in a compiled loop; the best of ten."""
    arrays = task.arrays(widths=WIDTHS)
    x, y = arrays.pop("x")[:NUM_DATA], arrays.pop("y")[:NUM_DATA, 0]

    def loss(params: dict[str, jax.Array]) -> jax.Array:
        hidden = x
        for layer in range(len(WIDTHS) - 1):
            hidden = hidden @ params[f"kernel_{layer}"] + params[f"bias_{layer}"]
            hidden = jnp.tanh(hidden) if layer < len(WIDTHS) - 2 else hidden
        return 0.5 * jnp.mean((hidden[:, 0] - y) ** 2)

    def step(_: int, params: dict[str, jax.Array]) -> dict[str, jax.Array]:
        return jax.tree.map(lambda w, g: w - 1e-6 * g, params, jax.grad(loss)(params))

    repeats = 200
    program = jax.jit(lambda params: jax.lax.fori_loop(0, repeats, step, params))
    return contestants.best_cpu_seconds(program, arrays) / repeats


def run(num_targets: int, pack_size: int, profiled: bool = False) -> Pace:
    """Does a sweep's trials one after another."""
    from llcray.estimation.trial import run_trial
    from llcray.sampling.program import compilations

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.yaml"
        numbers = {"num_data": NUM_DATA, "training_steps": TRAINING_STEPS, "polish_steps": POLISH_STEPS}
        path.write_text(SWEEP.format(targets=num_targets + pack_size, **numbers))
        dataset = ls.Dataset.create_or_open(str(Path(folder) / "results"))
        runs = load_sweep(path).runs
        before = compilations.count

        def do(plans: list[TrialPlan]) -> None:
            for plan in plans:
                list(run_trial(plan, "many", dataset))

        do(list(trials(runs[: 2 * pack_size], 1, lambda _: pack_size)))
        plans = list(trials(runs[2 * pack_size :], 1, lambda _: pack_size))
        started, cpu_started = time.perf_counter(), time.process_time()
        parts = _parts_of(lambda: do(plans)) if profiled else do(plans) or {}
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu_started
        rows = ls.scan_runs(dataset.root).select("status", "num_gradients").collect()
        assert (rows["status"] == "done").all()
        work = float(rows["num_gradients"].sum()) * num_targets / (num_targets + pack_size)
        return Pace(num_targets, wall, cpu, compilations.count - before, work, parts)


def _parts_of(function: Callable[[], None]) -> dict[str, float]:
    """The CPU-seconds of each part of a call."""
    profile = cProfile.Profile(time.process_time)
    profile.runcall(function)
    stats = pstats.Stats(profile).stats  # pyright: ignore[reportAttributeAccessIssue]
    spent = {(Path(file).name, name): numbers[3] for (file, _, name), numbers in stats.items()}
    return {part: sum(spent.get(place, 0.0) for place in places) for part, places in PARTS.items()}
