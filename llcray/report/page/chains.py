"""The chains of each run for the page: running means and ranks, thinned to as many points as a small chart needs."""

from collections import defaultdict
from typing import Any

import numpy as np
import polars as pl
from llcray_storage import scan_draws
from llcray_storage.store.settings import Root

from llcray.report.diagnostics.statistics import rank_counts, running_mean
from llcray.report.verdict_filter import FAILED, OK

NUM_POINTS = 36
MAX_RUNS = 3000
COLUMNS = ("run_id", "chain", "status", "n_beta", "num_warmup_draws", "centered_loss")


def chains_of(root: Root, sweep: str, runs: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The chains of each run, by run id.

    There are chain numbers, the running LLC of each chain, the numbers of the draws at which it is given, and how often
    each chain holds each rank. The least trustworthy runs come first when there are too many for one page.
    """
    doubtful_first = runs.filter(pl.col("outcome") != FAILED).sort(pl.col("outcome") == OK, "run_id")
    shown = doubtful_first["run_id"].head(MAX_RUNS)
    biases = dict(doubtful_first.select("run_id", pl.col("llc_uncorrected") - pl.col("llc")).rows())
    draws = scan_draws(root, sweep).select(COLUMNS).filter(pl.col("run_id").is_in(shown.to_list())).collect()
    series: dict[str, dict[int, np.ndarray]] = defaultdict(dict)
    for row in draws.sort("run_id", "chain").iter_slices(1):
        run_id = row["run_id"][0]
        values = _llc_draws(row, biases.get(run_id) or 0.0)
        if values is not None:
            series[run_id][row["chain"][0]] = values
    return {run_id: _thinned(chains) for run_id, chains in series.items()}


def _llc_draws(row: pl.DataFrame, bias: float) -> np.ndarray | None:
    """The draws of a chain after burn-in, whose mean is its LLC in nats; None where it went non-finite or has none."""
    losses = row["centered_loss"][0]
    if row["status"][0] == FAILED or losses is None:
        return None
    values = row["n_beta"][0] * losses.to_numpy().astype(np.float64)
    num_warmup_draws = row["num_warmup_draws"][0] or 0
    values = values - bias
    values = values[num_warmup_draws:]
    return values if values.size and np.isfinite(values).all() else None


def _thinned(chains: dict[int, np.ndarray]) -> dict[str, Any]:
    length = min(map(len, chains.values()))
    series = np.stack([values[:length] for values in chains.values()])
    at = np.unique(np.linspace(length // NUM_POINTS, length - 1, NUM_POINTS).astype(int))
    means = running_mean(series)[:, at]
    return {
        "chains": list(chains),
        "at": (at + 1).tolist(),
        "means": [[float(f"{value:.5g}") for value in chain] for chain in means],
        "ranks": rank_counts(series).tolist() if len(chains) > 1 else [],
    }
