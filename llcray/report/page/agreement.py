"""Whether samplers agree where they estimate the same LLC."""

import itertools
from typing import Any

import numpy as np
import polars as pl

from llcray.report.columns import SAMPLER
from llcray.report.page.plain import plain, plain_row
from llcray.report.varying import sampler_axes
from llcray.report.verdict_filter import trusted

MAX_Z = 3.0
MAX_POINTS = 3000
SAME = ("target_id", "component", "n_beta", "loss_on")
"""Columns that two runs share when they estimate the same LLC. Each sampler may calibrate a gamma of its own."""
PAIR = {
    "target_id": pl.String,
    "sampler_a": pl.String,
    "sampler_b": pl.String,
    "llc_a": pl.Float64,
    "se_a": pl.Float64,
    "llc_b": pl.Float64,
    "se_b": pl.Float64,
    "z": pl.Float64,
    "run_a": pl.String,
    "run_b": pl.String,
}


def agreement(runs: pl.DataFrame) -> dict[str, Any]:
    """How far apart each pair of samplers is on each target.

    Args:
        runs: Runs of one sweep with the columns `sampler` and `outcome`.

    Returns:
        Names of the `pairs` of samplers; `points`: for each comparison its place in `pairs`, z, the places of both
        runs among `runs` and whether |z| is beyond the `limit`, where there are many comparisons all beyond it and
        some within; a `table` by pair; and the number of comparisons, and of those beyond the limit.
    """
    pairs = disagreements(runs).with_columns(
        pl.format("{} − {}", "sampler_a", "sampler_b").alias("pair"), (pl.col("z").abs() > MAX_Z).alias("beyond")
    )
    within = pairs.filter(~pl.col("beyond")).gather_every(1 + pairs.height // MAX_POINTS)
    points = pl.concat([pairs.filter("beyond"), within])
    names = sorted(pairs["pair"].unique())
    places = {run_id: place for place, run_id in enumerate(runs["run_id"])}
    relative = (pl.col("llc_a") - pl.col("llc_b")) / pl.mean_horizontal("llc_a", "llc_b")
    table = pairs.group_by("pair").agg(
        pl.len().alias("comparisons"), relative.median().alias("relative"), pl.col("beyond").sum()
    )
    return {
        "limit": MAX_Z,
        "pairs": names,
        "points": {
            "pair": [names.index(name) for name in points["pair"]],
            "z": plain(points["z"].to_list()),
            "a": [places[run_id] for run_id in points["run_a"]],
            "b": [places[run_id] for run_id in points["run_b"]],
            "beyond": points["beyond"].to_list(),
        },
        "table": [plain_row(row) for row in table.sort("pair").to_dicts()],
        "num_beyond": int(pairs["beyond"].sum()),
        "num": pairs.height,
    }


def disagreements(runs: pl.DataFrame) -> pl.DataFrame:
    """Every pair of trusted runs of one target by different samplers, and how far apart their estimates are.

    Args:
        runs: Runs with the columns `sampler` and `outcome`.

    Returns:
        The target, both runs, samplers and estimates with their sampling errors se, and
        z = (a - b) / sqrt(se_a^2 + se_b^2); largest |z| first.
    """
    keys = [SAMPLER, *sampler_axes(runs)]
    compared = trusted(runs, "llc").filter(pl.col("llc_sampling_se") > 0)
    pairs = []
    for _, group in compared.sort("run_id").group_by(SAME, maintain_order=True):
        for a, b in itertools.combinations(group.to_dicts(), 2):
            if any(a[key] != b[key] for key in keys):
                pairs.append(_pair(a, b))
    frame = pl.DataFrame(pairs, schema=PAIR, orient="row")
    return frame.sort(pl.col("z").abs(), "run_a", "run_b", descending=[True, False, False])


def _pair(a: dict[str, Any], b: dict[str, Any]) -> tuple[Any, ...]:
    if a[SAMPLER] > b[SAMPLER]:
        a, b = b, a
    z = (a["llc"] - b["llc"]) / float(np.hypot(a["llc_sampling_se"], b["llc_sampling_se"]))
    numbers = (a["llc"], a["llc_sampling_se"], b["llc"], b["llc_sampling_se"], z)
    return (a["target_id"], a[SAMPLER], b[SAMPLER], *numbers, a["run_id"], b["run_id"])
