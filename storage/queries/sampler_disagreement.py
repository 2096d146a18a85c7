"""Do samplers agree? Pairs of estimates of one target and component that differ by more than their error bars allow.

python storage/queries/sampler_disagreement.py results/
"""

import sys

import llcray_storage as ls
import polars as pl

SAME = ["target_id", "component", "inverse_temperature", "localization"]


def query(root: str) -> pl.DataFrame:
    """One row per pair of runs by two samplers: z = difference / sqrt(sum of squared errors), largest first."""
    runs = (
        ls.scan_runs(root)
        .filter(pl.col("status") == "done", pl.col("llc_sampling_se") > 0)
        .select(*SAME, "run_id", "sampler_kind", "llc", "llc_sampling_se", "verdict")
    )
    pairs = runs.join(runs, on=SAME, suffix="_other", nulls_equal=True)
    z = (pl.col("llc") - pl.col("llc_other")).abs() / (
        pl.col("llc_sampling_se") ** 2 + pl.col("llc_sampling_se_other") ** 2
    ).sqrt()
    return (
        pairs.filter(pl.col("sampler_kind") < pl.col("sampler_kind_other"))
        .with_columns(z.alias("z"))
        .sort("z", "run_id", "run_id_other", descending=[True, False, False])
        .collect()
    )


if __name__ == "__main__":
    print(query(sys.argv[1]))
