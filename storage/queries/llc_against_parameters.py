"""LLC against the number of parameters, with error bars: mean over seeds, and both parts of its standard error.

python storage/queries/llc_against_parameters.py results/
"""

import sys

import llcray_storage as ls
import polars as pl


def query(root: str) -> pl.DataFrame:
    """One row per architecture, noise and sampler: mean LLC, standard error over seeds, mean MCSE within a run."""
    return (
        ls.scan_runs(root)
        .filter(pl.col("verdict") == "ok")
        .group_by("num_params", "architecture_activation", "noise_kind", "sampler_kind")
        .agg(
            pl.col("llc").mean(),
            (pl.col("llc").std() / pl.len().sqrt()).alias("llc_se_over_seeds"),
            (pl.col("llc_mcse").pow(2).mean().sqrt()).alias("llc_mcse"),
            (pl.col("llc") / (pl.col("num_params") / 2)).mean().alias("share_of_regular"),
            pl.len().alias("num_runs"),
        )
        .sort("num_params", "architecture_activation", "noise_kind", "sampler_kind")
        .collect()
    )


if __name__ == "__main__":
    print(query(sys.argv[1]))
