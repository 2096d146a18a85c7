"""llcray against devinterp and against plain JAX, on the same work in one run; packs against single targets.

    python benchmarks/throughput.py --peer-python /path/to/python/with/devinterp

Writes the tables into benchmarks/README.md (`--no-write`: prints only). All contestants use one thread and are measured
in CPU seconds of their processes; on a machine that is busy otherwise, trust the ratios. devinterp comes with
`pip install devinterp torch` into an environment of its own; without it, its rows are left out.
"""

import argparse
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

for _name in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before JAX is imported

import contestants  # noqa: E402
import effective_draws  # noqa: E402
import sweeps  # noqa: E402
import task  # noqa: E402

BATCH_SIZES = (64, 256)
README = Path(__file__).with_name("README.md")
PEER_STEPS = {64: 60, 256: 30}
COLUMNS = ("batch", "contestant", "CPU µs a chain-step", "chain-steps a CPU second", "share of peak", "times devinterp")


def main() -> None:
    """Runs everything and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="interpreter that has torch and devinterp; this one if it has them")
    parser.add_argument("--repeats", type=int, default=3, help="the best counts")
    parser.add_argument("--targets", type=int, default=64, help="of the sweep packed and unpacked")
    parser.add_argument("--peer-steps", type=int, default=8000, help="of devinterp's chains, where draws are compared")
    parser.add_argument("--only", choices=("steps", "draws", "packs"), help="this table alone")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md alone")
    arguments = parser.parse_args()
    peer = contestants.peer_interpreter(arguments.peer_python)
    parts = {
        "machine": lambda: machine(peer),
        "steps": lambda: steps(peer, arguments.repeats),
        "draws": lambda: effective_draws.table(peer, arguments.peer_steps),
        "packs": lambda: sweeps.packed_and_unpacked(arguments.targets),
    }
    for name, make in parts.items():
        if arguments.only not in (None, name) and name != "machine":
            continue
        text = make()
        print(text + "\n", flush=True)
        if not arguments.no_write:
            replace_part(README, name, text)


def machine(peer_python: str | None) -> str:
    """Where and with what."""
    from importlib.metadata import version

    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    load = os.getloadavg()[0]
    return (
        f"{model}, {os.cpu_count()} cores, load {load:.1f} at the start; Python {platform.python_version()}, "
        f"JAX {version('jax')}{contestants.peer_versions(peer_python)}; {datetime.now(UTC):%Y-%m-%d}."
    )


def steps(peer_python: str | None, repeats: int) -> str:
    """The table of chain-steps."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---|---|---|---|---|---|"]
    for batch_size in BATCH_SIZES:
        per_draw = round(task.NUM_DATA / batch_size)
        # The peak is measured around the contestants: a shared machine is not always equally fast.
        before = contestants.peak()
        timings = [
            contestants.ours(batch_size, 4 * per_draw, 1, repeats),
            contestants.ours(batch_size, per_draw, 3, repeats),
            contestants.plain(batch_size, per_draw, repeats),
        ]
        names = ["llcray", "llcray, full-data loss at each draw", "plain JAX, one chain at a time"]
        if peer_python:
            timings.append(contestants.peer(peer_python, batch_size, PEER_STEPS[batch_size], repeats))
            names.append("devinterp `SGMCMC.sgld`")
        peak = max(before, contestants.peak())
        operations = task.operations_per_step(batch_size)
        reference = timings[-1].microseconds if peer_python else float("nan")
        for name, timing in zip(names, timings, strict=True):
            share = operations * timing.chain_steps / timing.cpu_seconds / peak
            lines.append(
                f"| {batch_size} | {name} | {timing.microseconds:.0f} | {1e6 / timing.microseconds:,.0f} "
                f"| {share:.0%} | {reference / timing.microseconds:.1f} |"
            )
        lines.append(f"| {batch_size} | compilation of llcray: {timings[0].compile_seconds:.1f} s | | | | |")
        lines.append(f"| {batch_size} | peak of a matrix product: {peak / 1e9:.0f} GFLOP/s | | | 100% | |")
    return "\n".join(lines)


def replace_part(path: Path, name: str, text: str) -> None:
    """Puts a text between the marks of its name."""
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    page = path.read_text()
    head, rest = page.split(start)
    path.write_text(f"{head}{start}\n{text}\n{end}{rest.split(end)[1]}")


if __name__ == "__main__":
    main()
