"""Do the samplers agree where they estimate the same thing?"""

import itertools
from typing import Any

import numpy as np
import polars as pl

from llcray.report.columns import SAMPLER
from llcray.report.varying import sampler_axes

MAX_Z = 3.0
SAME = ("target_id", "component", "n_beta", "loss_on")
"""What two runs share when they estimate the same LLC; gamma may differ where each sampler calibrates its own."""


def disagreements(runs: pl.DataFrame) -> pl.DataFrame:
    """Every pair of trusted runs of one target by different samplers, and how far apart they are.

    Args:
        runs: Runs with the columns `sampler` and `trust`.

    Returns:
        The target, both runs, samplers and estimates, and z = (a - b) / sqrt(mcse_a^2 + mcse_b^2); largest |z| first.
    """
    keys = [SAMPLER, *sampler_axes(runs)]
    trusted = runs.filter(pl.col("trust") == "ok", pl.col("llc").is_finite(), pl.col("llc_mcse") > 0)
    pairs = []
    for _, group in trusted.sort("run_id").group_by(SAME, maintain_order=True):
        for a, b in itertools.combinations(group.to_dicts(), 2):
            if any(a[key] != b[key] for key in keys):
                pairs.append(_pair(a, b))
    frame = pl.DataFrame(pairs, schema=PAIR, orient="row")
    return frame.sort(pl.col("z").abs(), "run_a", "run_b", descending=[True, False, False])


PAIR = {
    "target_id": pl.String,
    "sampler_a": pl.String,
    "sampler_b": pl.String,
    "llc_a": pl.Float64,
    "mcse_a": pl.Float64,
    "llc_b": pl.Float64,
    "mcse_b": pl.Float64,
    "z": pl.Float64,
    "run_a": pl.String,
    "run_b": pl.String,
}


def _pair(a: dict[str, Any], b: dict[str, Any]) -> tuple[Any, ...]:
    if a[SAMPLER] > b[SAMPLER]:
        a, b = b, a
    z = (a["llc"] - b["llc"]) / float(np.hypot(a["llc_mcse"], b["llc_mcse"]))
    numbers = (a["llc"], a["llc_mcse"], b["llc"], b["llc_mcse"], z)
    return (a["target_id"], a[SAMPLER], b[SAMPLER], *numbers, a["run_id"], b["run_id"])
