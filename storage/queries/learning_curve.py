"""LLC along training beside the losses of the same checkpoints: does complexity change where the loss does?

python storage/queries/learning_curve.py results/
"""

import sys

import llcray_storage as ls
import polars as pl


def query(root: str) -> pl.DataFrame:
    """One row per checkpoint and component: LLC from `runs`, losses from `targets`, and the change of LLC."""
    targets = ls.scan_targets(root).select("target_id", "train_loss", pl.col("test_loss").alias("target_test_loss"))
    curve = ["sweep", "seed", "component", "sampler_kind"]
    return (
        ls.scan_runs(root)
        .filter(pl.col("status") == "done", pl.col("step").is_not_null())
        .join(targets, on="target_id", how="left")
        .sort(*curve, "step")
        .select(
            *curve,
            "step",
            "llc",
            "llc_sampling_se",
            "localization_se",
            "train_loss",
            "target_test_loss",
            pl.col("llc").diff().over(curve).alias("llc_change"),
        )
        .collect()
    )


if __name__ == "__main__":
    print(query(sys.argv[1]))
