"""One run's draws as ArviZ sees them: group `posterior` has `llc`, whose mean over draws is the estimate.

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
    chains = ls.scan_draws(root, run_id=run_id).filter(pl.col("status") == "ok").sort("chain").collect()
    if chains.is_empty():
        raise SystemExit(f"run '{run_id}' has no draws in '{root}'")
    length = int(chains["centered_loss"].list.len().min())  # pyright: ignore[reportArgumentType]
    cut = chains.with_columns(pl.col("centered_loss", *STATISTICS.values()).list.head(length))
    llc = np.stack(cut["centered_loss"].to_list()) * cut["n_beta"].to_numpy()[:, None]
    present = {name: column for name, column in STATISTICS.items() if cut[column].null_count() == 0}
    statistics = {name: np.stack(cut[column].to_list()) for name, column in present.items()}
    groups: dict[str, dict[str, np.ndarray]] = {"posterior": {"llc": llc}}
    return arviz_base.from_dict({**groups, **({"sample_stats": statistics} if statistics else {})})


if __name__ == "__main__":
    print(query(sys.argv[1], sys.argv[2]))
