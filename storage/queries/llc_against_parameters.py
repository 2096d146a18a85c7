"""LLC against the number of parameters: means over the targets that every sampler has a trusted estimate of.

python storage/queries/llc_against_parameters.py results/
"""

import sys

import llcray_storage as ls
import polars as pl


def query(root: str) -> pl.DataFrame:
    """One row per architecture, noise and sampler: mean LLC, both parts of its error, and spread over seeds."""
    along = ["num_params", "architecture_activation", "noise_kind"]
    means = ls.matched_means(ls.scan_runs(root), "sampler_kind", along)
    return means.with_columns(
        se_over_seeds=pl.col("sd") / pl.col("num_matched").sqrt(),
        share_of_regular=pl.col("llc") / (pl.col("num_params") / 2),
    )


if __name__ == "__main__":
    print(query(sys.argv[1]))
