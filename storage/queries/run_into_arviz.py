"""One run's draws as ArviZ sees them: group `posterior` has `llc`, whose mean over draws is the estimate.

Burn-in is left out. Where the estimate subtracts its step-size bias (`auto`), the draws have it subtracted, too.

python storage/queries/run_into_arviz.py results/ RUN_ID
"""

import sys
from typing import Any

import arviz_base
import llcray_storage as ls
import numpy as np
import polars as pl

STATISTICS = {"acceptance_rate": "acceptance_rate", "energy": "energy", "squared_distance": "squared_distance"}


def query(root: str, run_id: str) -> Any:
    """Return the chains that did not fail, cut to the shortest, as an `xarray.DataTree`."""
    chains = ls.scan_draws(root, run_id=run_id).filter(pl.col("status") == "done").sort("chain").collect()
    if chains.is_empty():
        raise SystemExit(f"run '{run_id}' has no draws in '{root}'")
    run = ls.scan_runs(root).filter(pl.col("run_id") == run_id).collect().row(0, named=True)
    start = int(chains["num_warmup_draws"].fill_null(0).max())  # pyright: ignore[reportArgumentType]
    length = int(chains["centered_loss"].list.len().min()) - start  # pyright: ignore[reportArgumentType]
    series = ("centered_loss", *STATISTICS.values())
    cut = chains.with_columns(pl.col(*series).list.slice(start, length))
    llc = np.stack(cut["centered_loss"].to_list()) * cut["n_beta"].to_numpy()[:, None]
    if None not in (run["llc"], run["llc_uncorrected"]):
        llc = llc - (run["llc_uncorrected"] - run["llc"])
    present = {name: column for name, column in STATISTICS.items() if cut[column].null_count() == 0}
    statistics = {name: np.stack(cut[column].to_list()) for name, column in present.items()}
    groups: dict[str, dict[str, np.ndarray]] = {"posterior": {"llc": llc}}
    return arviz_base.from_dict({**groups, **({"sample_stats": statistics} if statistics else {})})


if __name__ == "__main__":
    print(query(sys.argv[1], sys.argv[2]))
