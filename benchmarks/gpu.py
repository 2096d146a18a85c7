"""What a GPU has to show, in one command of at most eight minutes: right numbers, speed, memory, and the widths chosen.

    python benchmarks/gpu.py                               # needs the checkout with the extra cuda12 (or cuda13)
    JAX_PLATFORMS=cpu python benchmarks/gpu.py --size tiny --no-write

A second process estimates the same runs on this machine's CPU meanwhile, and builds their targets, so that both devices
sample the same networks. Prints the tables and writes them into benchmarks/README.md.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from math import inf, nan, sqrt
from pathlib import Path
from typing import Any

import contestants
import jax
import jax.numpy as jnp
import llcray_storage as ls
import numpy as np
import polars as pl
import task
import throughput

from llcray.estimation.trial import run_trial
from llcray.posterior.density import make_posterior
from llcray.samplers import SGLD
from llcray.samplers.kernel import build_kernel
from llcray.sampling import block
from llcray.sampling.device import widths_of
from llcray.sampling.program import compilations, is_out_of_memory
from llcray.spec import TrialPlan, load_sweep

BATCH_SIZE = 64
NUM_CHAINS = 4
MINUTES = 8.0
GOOD_ENOUGH = 0.95
"""Share of the best rate from which on a width is as good as the best."""
MOST_STANDARD_ERRORS = 4.0
"""Distance of the two devices' estimates that is taken for a difference; six are compared."""

SWEEPS = (
    """
name: known
question: Does this device sample a deep linear network as the CPU does?
targets: [{kind: deep_linear, widths: [10, 10, 10], rank: 5}]
posterior: {localization: 100.0}
samplers: [{kind: auto}, {kind: sgld, step_size: 3.0e-6}, {kind: hmc}]
sampling: {num_chains: 4, until: {relative_mcse: 0.02, rhat: 1.02}, budget: {num_gradients: 20000, num_draws: 8192}}
""",
    """
name: transformer
question: Does this device sample a transformer and a head of it as the CPU does?
targets:
  - data: {kind: repeated_bigrams, num_data: 512, vocabulary: 16, length: 32, shortest_period: 8, longest_period: 12}
    architecture: {kind: transformer, readout: all, num_layers: 2, num_heads: 2, width: 16, mlp_width: 0}
    training: {kind: adamw, learning_rate: 0.003, batch_size: 32, num_steps: 600, precision: float32}
components: [all, l1h0]
posterior: {inverse_temperature: {kind: n_beta, value: 30}, localization: 200.0}
samplers: [{kind: auto}]
sampling: {num_chains: 4, until: {relative_mcse: 0.05, rhat: 1.05}, budget: {num_gradients: 2000}}
""",
)


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        networks: Widths of the perceptrons whose chain-steps are timed.
        packs: Numbers of runs that a call advances.
        seconds: Time of a timed call, about.
        matrix: Rows of the matrices whose product is the peak.
        overrides: Changes to each of the sweeps whose estimates are compared.
    """

    networks: tuple[tuple[int, ...], ...]
    packs: tuple[int, ...]
    seconds: float
    matrix: int
    overrides: tuple[tuple[str, ...], ...] = ((), ())


SIZES = {
    "full": Size(
        networks=((8, 26, 26, 1), task.WIDTHS, (256, 896, 896, 1)),
        packs=(1, 4, 16, 64, 256, 1024, 4096),
        seconds=0.5,
        matrix=8192,
    ),
    "tiny": Size(
        networks=((3, 4, 1),),
        packs=(1, 2),
        seconds=0.02,
        matrix=256,
        overrides=(
            ("samplers=[{kind: sgld, step_size: 3.0e-6}]", "sampling.budget={num_gradients: 400, num_draws: 128}"),
            (
                "samplers=[{kind: sgld, step_size: 1.0e-4}]",
                "components=[l1h0]",
                "targets.training.num_steps=20",
                "targets.training.polish_steps=2",
                "sampling.budget={num_gradients: 100, num_draws: 64}",
            ),
        ),
    ),
}


def main(words: list[str] | None = None) -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md alone")
    parser.add_argument("--reference", help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    size = SIZES[arguments.size]
    if arguments.reference:
        estimate(arguments.reference, "cpu", size)
        return
    until = time.monotonic() + 60 * MINUTES
    if jax.default_backend() == "cpu" and arguments.size == "full":
        parser.error("JAX finds no GPU here; --size tiny shows that the benchmark itself works")
    with tempfile.TemporaryDirectory() as folder:
        ls.Dataset.create_or_open(folder)
        command = [sys.executable, __file__, "--reference", folder, "--size", arguments.size]
        with subprocess.Popen(command, env=os.environ | {"JAX_PLATFORMS": "cpu"}) as reference:
            # Two fifths of the time are kept for the estimates.
            parts = [machine(), speed(size, until - 0.4 * 60 * MINUTES)]
            try:
                code = reference.wait(max(1.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                reference.kill()
                code = -1
        if code:
            raise SystemExit(f"The estimates on the CPU ended with exit code {code}: no comparison.")
        estimate(folder, "here", size)
        parts.append(agreement(folder))
    text = "\n\n".join(parts)
    print(text)
    if not arguments.no_write:
        throughput.replace_part(throughput.README, "gpu", text)
    if "differs" in parts[-1]:
        raise SystemExit(1)


def machine() -> str:
    """The device, and with what it was measured."""
    device = jax.local_devices()[0]
    limit = memory("bytes_limit")
    room = "" if limit is None else f", {limit / 2**30:.0f} GiB for this process"
    return f"{device.device_kind} ({device.platform}){room}; JAX {version('jax')}; {time.strftime('%Y-%m-%d')}."


def memory(name: str) -> int | None:
    """A number of the device's memory statistics; None where the device keeps none."""
    return (jax.local_devices()[0].memory_stats() or {}).get(name)


def speed(size: Size, until: float) -> str:
    """The table of chain-steps, and the widths chosen against the best ones."""
    what = f"SGLD, batches of {BATCH_SIZE}, {NUM_CHAINS} chains a run"
    lines = [
        f"{what}; the loss over all {task.NUM_DATA:,} examples once a call.",
        "",
        "| parameters | runs a call | chain-steps a second | share of peak | memory, MiB | compilation, s | |",
        "|---|---|---|---|---|---|---|",
    ]
    peak = peak_operations(size.matrix)
    for widths in size.networks:
        points = list(measured(widths, size, until))
        best = max((point.rate for point in points), default=nan)
        good = next((point.num_runs for point in points if point.rate >= GOOD_ENOUGH * best), 0)
        for point in points:
            share = task.operations_per_step(BATCH_SIZE, widths) * point.rate / peak
            notes = {"best": point.num_runs == good} | {
                f"chosen ({name})": point.num_runs == width for name, width in point.chosen.items()
            }
            lines.append(
                f"| {point.num_params:,} | {point.num_runs:,} | {point.rate:,.0f} | {share:.1%} "
                f"| {_or_unknown(point.memory_bytes, 2**20)} | {point.compile_seconds:.1f} "
                f"| {', '.join(name for name, holds in notes.items() if holds)} |"
            )
        if points:
            chosen = ", ".join(f"{name} {width:,}" for name, width in points[0].chosen.items())
            lines.append(f"| {points[0].num_params:,} | widths chosen: {chosen} | | | | | {_end_of(points, size)} |")
    lines.append(f"| | peak of a matrix product of {size.matrix:,}: {peak / 1e12:.2f} TFLOP/s | | 100% | | | |")
    return "\n".join(lines)


@dataclass(frozen=True)
class Point:
    """One timed call.

    Attributes:
        num_params: Parameters of a network.
        num_runs: Runs that the call advances.
        rate: Steps of all chains a second, wall time.
        memory_bytes: Most memory of the device in use so far; None where it is not known.
        compile_seconds: Time to compile the program.
        chosen: The widths that llcray would choose, by name.
    """

    num_params: int
    num_runs: int
    rate: float
    memory_bytes: int | None
    compile_seconds: float
    chosen: dict[str, int]


def measured(widths: tuple[int, ...], size: Size, until: float) -> Iterator[Point]:
    """Times calls of more and more runs, until the device's memory or the time is spent."""
    for num_runs in size.packs:
        if time.monotonic() > until:
            return
        try:
            yield timed(widths, num_runs, size.seconds)
        except jax.errors.JaxRuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return


def timed(widths: tuple[int, ...], num_runs: int, seconds: float) -> Point:
    """Times one call that takes about so many seconds."""
    with jax.enable_x64(True):
        posterior = make_posterior(contestants.target(widths), contestants.N_BETA, None, jnp.float32)
        posterior = replace(posterior, chains_together=True)
        sampler = SGLD(batch_size=BATCH_SIZE, step_size=task.STEP_SIZE)
        kernel = build_kernel(sampler)
        runs = jax.device_put(jax.tree.map(lambda leaf: np.repeat(np.asarray(leaf)[None], num_runs, 0), posterior))
        hyper = {name: np.full((num_runs, NUM_CHAINS), value, np.float32) for name, value in sampler.hyper().items()}
        seeds = np.stack([np.arange(num_runs), np.zeros(num_runs)], 1).astype(np.uint32)
        keys = block.chain_keys((NUM_CHAINS,), seeds)
        state = block.start((kernel,), keys, runs, hyper)
        before = compilations.seconds

        def call(state: Any, num_steps: int) -> tuple[Any, float]:
            started = time.perf_counter()
            args = (keys, state, runs, hyper, np.zeros(num_runs, np.int32), np.int32(num_steps))
            state = jax.block_until_ready(block.advance((kernel, 1, 0), *args)[0])
            return state, time.perf_counter() - started

        state, _ = call(state, 1)
        compile_seconds = compilations.seconds - before
        state, fixed = call(state, 1)
        state, taken = call(state, 33)
        num_steps = max(32, int(seconds / max(1e-7, (taken - fixed) / 32)))
        state, taken = call(state, num_steps)
        chosen = widths_of(posterior, NUM_CHAINS)
        return Point(
            num_params=posterior.num_sampled_params,
            num_runs=num_runs,
            rate=num_runs * NUM_CHAINS * num_steps / taken,
            memory_bytes=memory("peak_bytes_in_use"),
            compile_seconds=compile_seconds,
            chosen={"full": chosen.full, "small": chosen.small},
        )


def peak_operations(num_rows: int) -> float:
    """Operations a second of a float32 matrix product in JAX's default precision, the best of ten."""
    matrix = jnp.ones((num_rows, num_rows), jnp.float32)
    product = jax.jit(lambda a: a @ a)
    jax.block_until_ready(product(matrix))
    best = inf
    for _ in range(10):
        started = time.perf_counter()
        jax.block_until_ready(product(matrix))
        best = min(best, time.perf_counter() - started)
    return 2 * num_rows**3 / best


def estimate(folder: str, where: str, size: Size) -> None:
    """Estimates the runs that are compared, under a name for the device; a target that is there is not built again."""
    dataset = ls.Dataset.open(folder)
    with tempfile.TemporaryDirectory() as place:
        for text, overrides in zip(SWEEPS, size.overrides, strict=True):
            path = Path(place) / "sweep.yaml"
            path.write_text(text)
            for _ in run_trial(TrialPlan(load_sweep(path, overrides).runs), where, dataset):
                pass


def agreement(folder: str) -> str:
    """The table of both devices' estimates."""
    columns = ["run_id", "target_kind", "component", "sampler_kind", "llc", "llc_sampling_se", "verdict"]
    here, cpu = (ls.scan_runs(folder, sweep).select(columns).collect() for sweep in ("here", "cpu"))
    both = here.join(cpu, on=columns[:4], suffix="_cpu").sort("target_kind", "component", "sampler_kind")
    lines = [
        "| target | component | sampler | LLC here | LLC on the CPU | standard errors apart | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in both.with_columns(pl.col("llc_sampling_se", "llc_sampling_se_cpu").fill_null(nan)).iter_rows(named=True):
        error = sqrt(row["llc_sampling_se"] ** 2 + row["llc_sampling_se_cpu"] ** 2)
        apart = (row["llc"] - row["llc_cpu"]) / error if error else nan
        verdicts = dict.fromkeys((row["verdict"], row["verdict_cpu"]))
        word = "differs" if abs(apart) > MOST_STANDARD_ERRORS else "agrees"
        lines.append(
            f"| {row['target_kind']} | {row['component']} | {row['sampler_kind']} "
            f"| {row['llc']:.2f} ± {row['llc_sampling_se']:.2f} "
            f"| {row['llc_cpu']:.2f} ± {row['llc_sampling_se_cpu']:.2f} "
            f"| {apart:.1f} | {word}; {' and '.join(map(str, verdicts))} |"
        )
    return "\n".join(lines)


def _or_unknown(number: int | None, unit: int) -> str:
    return "unknown" if number is None else f"{number / unit:,.0f}"


def _end_of(points: list[Point], size: Size) -> str:
    """Why fewer packs were timed than were asked for; empty where all were."""
    return "" if len(points) == len(size.packs) else "larger packs: no memory, or no time left"


if __name__ == "__main__":
    main()
