"""Trajectories whose runs go on from one another beside cold starts: work and agreement at each checkpoint.

    python benchmarks/warm_starts.py [--experiment grokking] [--storage DIR] [--set PATH=VALUE ...]

samples the checkpoints of one seed of an experiment with `auto`, first each from w*, then each from the one before.
Work is counted in full-data gradients: calibration, burn-in and the spectrum at w* included. Errors are the sampling
errors of both rows.
"""

import argparse
import tempfile

import llcray_storage as ls
import numpy as np
import polars as pl

from llcray.experiment.command import path_of
from llcray.spec import Sweep, load_sweep

STARTS = ("center", "previous")
SETTINGS = ("replicates=1", "samplers=[{kind: auto}]", "sampling.steps_per_draw=null", "sampling.budget.num_draws=8192")


def main() -> None:
    """Samples with both starts and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="grokking")
    parser.add_argument("--storage", default=None, help="where to keep the rows; a temporary folder by default")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="overrides of the experiment")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        storage = given.storage or folder
        for start in STARTS:
            overrides = [*SETTINGS, *given.set, f"sampling.start={start}"]
            sample(load_sweep(path_of(given.experiment), overrides), start, storage)
        print(table_of(compared(storage, *STARTS)))


def sample(sweep: Sweep, name: str, storage: str) -> None:
    """Does the runs of a sweep that the dataset lacks, in this process, under a name of its own."""
    from llcray.estimation.trial import run_trial
    from llcray.spec import TrialPlan, runs_before

    dataset = ls.Dataset.create_or_open(storage)
    done = dataset.finished(name)
    left = [run for run in sweep.runs if run.run_id not in done]
    if left:
        for outcome in run_trial(TrialPlan(tuple(left)), name, dataset, before=runs_before(left, sweep.runs)):
            print(name, outcome.row["step"], outcome.row["verdict"], f"{outcome.row['num_gradients']:,.0f}", flush=True)


def compared(storage: str, cold: str, warm: str) -> pl.DataFrame:
    """The rows of two sweeps side by side, by seed, component and step, with the standard errors between them."""
    keys, numbers = ["seed", "component", "step"], ["llc", "llc_sampling_se", "verdict"]
    work = pl.col("num_gradients") + pl.col("spectrum_gradients").fill_null(0.0)
    first, second = (
        ls.scan_runs(storage, sweep=name).select(*keys, *numbers, work=work).collect() for name in (cold, warm)
    )
    apart = (pl.col("llc_warm") - pl.col("llc")) / (
        pl.col("llc_sampling_se").pow(2) + pl.col("llc_sampling_se_warm").pow(2)
    ).sqrt()
    return first.join(second, on=keys, suffix="_warm").with_columns(z=apart).sort(keys)


def table_of(rows: pl.DataFrame) -> str:
    """The table in Markdown, and the sums."""
    lines = ["| step | cold | warm | SE apart | gradients, cold | warm | verdicts |", "|---|---|---|---|---|---|---|"]
    for row in rows.iter_rows(named=True):
        cold, warm = (f"{row['llc' + key]:.2f} ± {row['llc_sampling_se' + key]:.2f}" for key in ("", "_warm"))
        work = f"{row['work']:,.0f} | {row['work_warm']:,.0f}"
        lines.append(
            f"| {row['step']} | {cold} | {warm} | {row['z']:+.1f} | {work} | {row['verdict']}, {row['verdict_warm']} |"
        )
    z, later = rows["z"].to_numpy(), rows.filter(pl.col("step") > pl.col("step").min().over("seed", "component"))
    of_cold, of_warm = (later["work" + key].to_numpy() for key in ("", "_warm"))
    lines += [
        "",
        f"Work of the {len(later)} checkpoints after the first: {of_warm.sum() / of_cold.sum():.1%} of cold starts "
        f"({of_warm.mean():,.0f} and {of_cold.mean():,.0f} gradients in the mean).",
        f"Within 2 SE of cold starts: {np.sum(np.abs(z) <= 2)} of {len(z)} (95% by chance); "
        f"largest {np.abs(z).max():.1f}; mean {z.mean():+.2f}; root mean square {np.sqrt(np.mean(z**2)):.2f}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
