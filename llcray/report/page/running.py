"""Running means of all runs of a sweep, thinned to what a small chart can show."""

import numpy as np
import polars as pl
from llcray_storage import scan_draws
from llcray_storage.settings import Root

from llcray.report.diagnostics.statistics import running_mean

NUM_POINTS = 36
MAX_RUNS = 3000
COLUMNS = ("run_id", "chain", "status", "n_beta", "num_warmup_draws", "centered_loss", "heat")

Curves = dict[str, list[list[float]]]


def running_curves(root: Root, sweep: str, runs: pl.DataFrame) -> tuple[Curves, dict[str, list[int]]]:
    """Running LLC of every healthy chain, by run id, and the draws it is given at.

    The least trustworthy runs come first when there are too many for one page.
    """
    doubtful_first = runs.filter(pl.col("trust") != "failed").sort(pl.col("trust") == "ok", "run_id")
    wanted = doubtful_first["run_id"].head(MAX_RUNS)
    subtracts = dict(doubtful_first.select("run_id", pl.col("llc") != pl.col("llc_uncorrected")).rows())
    draws = scan_draws(root, sweep).select(COLUMNS).filter(pl.col("run_id").is_in(wanted.to_list())).collect()
    curves: Curves = {}
    places: dict[str, list[int]] = {}
    for row in draws.sort("run_id", "chain").iter_slices(1):
        run_id, status = row["run_id"][0], row["status"][0]
        values = row["centered_loss"][0]
        if status == "failed" or values is None:
            continue
        series = row["n_beta"][0] * values.to_numpy().astype(np.float64)
        num_warmup_draws = row["num_warmup_draws"][0] or 0
        if subtracts.get(run_id) and row["heat"][0] is not None:
            series = series - row["heat"][0].to_numpy()[num_warmup_draws:].mean()
        series = series[num_warmup_draws:]
        if not series.size or not np.isfinite(series).all():
            continue
        at = np.unique(np.linspace(series.size // NUM_POINTS, series.size - 1, NUM_POINTS).astype(int))
        places[run_id] = (at + 1).tolist()
        means = running_mean(series[None, :])[0, at]
        curves.setdefault(run_id, []).append([float(f"{value:.5g}") for value in means])
    return curves, places
