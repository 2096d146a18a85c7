"""Measures how long 100,000 synthetic runs take to read, and 10,000 before compaction; writes the table into README.md.

    python storage/benchmark.py                                       some ten minutes, 2 GB of disk
    python storage/benchmark.py --runs 20000 --small 500 --print

A tenth of the runs has 4 chains x 1,000 draws of two series. Reading is the median of five calls in one process,
files in the page cache; every call opens the dataset anew.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import polars as pl
from llcray_storage.files.encode import table_of_draws, table_of_rows
from llcray_storage.schema.tables import RUNS
from llcray_storage.state.segments import BYTES_PER_HOT_ROW, Part, Rewrite, publish_rewrite
from llcray_storage.store.layout import sweep_partition
from llcray_storage.store.settings import open_store

BEGIN, END = "<!-- benchmark -->", "<!-- end of benchmark -->"
SWEEP = "benchmark"
DRAWS_EVERY = 10
QUESTIONS = {
    "query": "filtered summary (means by sampler and noise)",
    "draws": "draws of one run",
    "scan": "all columns of all runs",
    "finished": "`finished` (what a resumed sweep asks first)",
}
SAMPLERS, ACTIVATIONS, DATA, NOISES = (
    ("sgld", "hmc", "mclmc"),
    ("relu", "tanh"),
    ("gaussian", "digits"),
    ("none", "flip"),
)


NUMBERS = (
    *("llc", "llc_mcse", "llc_sd", "llc_between_chain_sd", "rhat", "ess_bulk", "ess_tail", "dispersion"),
    *("acceptance_rate", "step_size", "loss_at_center", "gradient_norm_at_center", "test_loss"),
    *("num_gradients", "warmup_gradients", "wnv_seconds", "wnv_gradients", "ess_per_second", "ess_per_gradient"),
    *("time_to_se1", "fde_to_se1", "sampling_seconds", "compile_seconds", "build_seconds"),
)


@dataclass(frozen=True)
class Reading:
    """Seconds that each of the four questions takes, and bytes on disk per run."""

    query: float
    draws: float
    scan: float
    finished: float
    num_bytes: float


def row(index: int, rng: np.random.Generator) -> dict[str, Any]:
    """Make the row of a run with most columns filled."""
    numbers = dict(zip(NUMBERS, rng.normal(10.0, 1.0, size=len(NUMBERS)).tolist(), strict=True))
    spec = {"target": {"architecture": {"kind": "mlp", "widths": [16, 16]}, "seed": index}, "kind": "run", "version": 1}
    return {
        **numbers,
        "run_id": f"{index * 2654435761 % 2**64:016x}",
        "target_id": f"{index // 3:016x}",
        "sweep": SWEEP,
        "status": "done",
        "verdict": "ok",
        "spec": json.dumps(spec),
        "sampler_kind": SAMPLERS[index % 3],
        "architecture_kind": "mlp",
        "architecture_activation": ACTIVATIONS[index // 3 % 2],
        "architecture_widths": [16, 16],
        "data_kind": DATA[index // 6 % 2],
        "noise_kind": NOISES[index // 12 % 2],
        "seed": index,
        "component": "all",
        "num_params": 1000 + index % 7,
        "num_data": 1000,
        "num_chains": 4,
        "llcray_version": "0.2.0",
        "device_kind": "cpu",
        "host": "node",
    }


def chains(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Make four chains of 1,000 draws with two series."""
    loss = rng.gamma(5.0, size=(4, 1000)) / 100
    distance = rng.gamma(50.0, size=(4, 1000))
    return [{"chain": c, "n_beta": 144.8, "centered_loss": loss[c], "squared_distance": distance[c]} for c in range(4)]


def write(root: str, num_runs: int) -> float:
    """Write every run as a worker would; returns seconds per run."""
    dataset = ls.Dataset.create_or_open(root)
    rng = np.random.default_rng(0)
    started = time.perf_counter()
    for index in range(num_runs):
        dataset.write_run(row(index, rng), chains(rng) if index % DRAWS_EVERY == 0 else ())
    return (time.perf_counter() - started) / num_runs


def write_compacted(root: str, num_runs: int) -> None:
    """Write every run straight into segments, as an import does."""
    ls.Dataset.create_or_open(root)
    rng = np.random.default_rng(0)
    own = {"generation": 1, "nonce": "0" * 16, "schema_version": ls.SCHEMA_VERSION}

    def commits() -> Iterator[Part]:
        for start in range(0, num_runs, 1000):
            rows = [{**row(index, rng), **own} for index in range(start, min(start + 1000, num_runs))]
            yield Part(table_of_rows(RUNS, rows), BYTES_PER_HOT_ROW * len(rows))

    def draws() -> Iterator[Part]:
        for index in range(0, num_runs, DRAWS_EVERY):
            identity = {"run_id": row(index, rng)["run_id"], "sweep": SWEEP, "generation": 1}
            rows = table_of_draws(identity, chains(rng))
            yield Part(rows, rows.nbytes)

    publish_rewrite(open_store(root), sweep_partition(SWEEP), 1, Rewrite((), commits(), draws()))


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """Return the median wall time of a call."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def read(root: str, num_runs: int, repeats: int) -> Reading:
    """Ask the four questions and take their times."""
    run_id = row(0, np.random.default_rng(0))["run_id"]

    def query() -> None:
        chosen = (pl.col("architecture_activation") == "relu") & (pl.col("data_kind") == "gaussian")
        summary = ls.scan_runs(root, SWEEP).filter(chosen).group_by("sampler_kind", "noise_kind")
        assert summary.agg(pl.col("llc").mean(), pl.len()).collect().height == 6

    def draws() -> None:
        assert ls.scan_draws(root, SWEEP, run_id).collect().height == 4

    def scan() -> None:
        assert ls.scan_runs(root, SWEEP).collect().height == num_runs

    def finished() -> None:
        assert len(ls.finished(root, SWEEP)) == num_runs

    num_bytes = sum(path.stat().st_size for table in ("runs", "draws") for path in Path(root, table).rglob("*.parquet"))
    taken = (seconds(query, repeats), seconds(draws, repeats), seconds(scan, repeats), seconds(finished, repeats))
    return Reading(*taken, num_bytes=num_bytes / num_runs)


def measure_small(num_runs: int) -> tuple[Reading, Reading, float, float]:
    """Measure a dataset of small files: reading before and just after compaction, seconds per write and to compact."""
    with tempfile.TemporaryDirectory(prefix="llcray-benchmark-") as root:
        per_write = write(root, num_runs)
        before = read(root, num_runs, 1)
        started = time.perf_counter()
        ls.compact(root)
        compaction = time.perf_counter() - started
        return before, read(root, num_runs, 5), per_write, compaction


def measure_compacted(num_runs: int) -> Reading:
    """Measure reading a dataset that lies in segments only."""
    with tempfile.TemporaryDirectory(prefix="llcray-benchmark-") as root:
        write_compacted(root, num_runs)
        return read(root, num_runs, 5)


def table(num_runs: int, num_small: int) -> str:
    """Measure everything and return the table in Markdown."""
    before, between, per_write, compaction = measure_small(num_small)
    after = measure_compacted(num_runs)
    lines = [
        f"| seconds | {num_small:,} runs in small files | the same just compacted | {num_runs:,} runs compacted |",
        "|---|---|---|---|",
    ]
    for name, text in QUESTIONS.items():
        figures = [f"{getattr(reading, name):.3g}" for reading in (before, between, after)]
        lines.append(f"| {text} | {' | '.join(figures)} |")
    sizes = [f"{before.num_bytes:,.0f}", "both", f"{after.num_bytes:,.0f}"]
    lines.append(f"| bytes a run, draws of every tenth included | {' | '.join(sizes)} |")
    machine = (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, polars {pl.__version__}"
    )
    return "\n".join(
        [
            *lines,
            "",
            f"One process wrote a run in {1000 * per_write:.1f} ms, synced to disk; compacting the {num_small:,} took "
            f"{compaction:.0f} s. {machine}, shared with other work (load {os.getloadavg()[1]:.0f}).",
        ]
    )


def main() -> None:
    """Measure, then print the table or write it into the page."""
    parser = argparse.ArgumentParser(description="Measure the dataset.")
    parser.add_argument("--runs", type=int, default=100_000, help="runs of the compacted dataset")
    parser.add_argument("--small", type=int, default=10_000, help="runs of the dataset that is not compacted yet")
    parser.add_argument("--print", action="store_true", help="print instead of writing storage/README.md")
    arguments = parser.parse_args()
    measured = table(arguments.runs, arguments.small)
    if arguments.print:
        print(measured)
        return
    page = Path(__file__).with_name("README.md")
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{measured}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
