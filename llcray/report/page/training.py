"""From the first checkpoint to the last: how the LLC of each component changed, beside what the updates touched.

Per group of trajectories alike in all but their seeds, the change is averaged over them; its error is their standard
deviation over the root of their number, or for one trajectory the Monte Carlo error.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from llcray.report.columns import SAMPLER
from llcray.report.plots.panels import LABEL
from llcray.report.plots.scale import STEP
from llcray.report.varying import sampler_axes, target_axes
from llcray.report.verdict_filter import FAILED

SUCCESS = ("test_reward", "test_accuracy", "test_loss")
"""What training was for: the first of these that was recorded."""
SPARSITIES = ("update_sparsity_exact", "update_sparsity_tolerance", "update_sparsity_bfloat16")
SETTINGS = ("method_learning_rate", "method_weights")
"""What decides a sparsity beside the number of steps."""


def along_training(runs: pl.DataFrame) -> dict[str, Any]:
    """A row a group of trajectories; without trajectories of two checkpoints, none.

    Args:
        runs: Runs of one sweep with the columns `sampler` and `trust`.

    Returns:
        `axes` that tell the rows apart, `success` (a column's name or None), `sparsities` recorded, and `rows`: the
        axes, `num` trajectories, `first_step`, `last_step`, LLC `first` and `last`, `change`, its `error`, the number
        of `doubtful` estimates among both ends, success `before` and `after`, the mean of each sparsity and, where
        there are some, the `settings` that decide them: their names beside the rows, their values in them.
    """
    estimated = runs.filter(pl.col("trust") != FAILED, pl.col("llc").is_finite(), pl.col("series_id").is_not_null())
    axes = [*(name for name in target_axes(estimated) if name != STEP), *sampler_axes(estimated)]
    axes += [name for name in (LABEL, SAMPLER) if name not in axes and estimated[name].n_unique() > 1]
    success = next((name for name in SUCCESS if estimated[name].is_not_null().any()), None)
    sparsities = [name for name in SPARSITIES if estimated[name].is_not_null().any()]
    settings = [name for name in SETTINGS if sparsities and name not in axes]
    groups = estimated.sort(axes, nulls_last=True).group_by(axes, maintain_order=True) if axes else [((), estimated)]
    rows = [
        dict(zip(axes, key, strict=True)) | row | {name: group[name][0] for name in settings}
        for key, group in groups
        for row in _row(group, success, sparsities)
    ]
    return {"axes": axes, "success": success, "sparsities": sparsities, "settings": settings, "rows": rows}


def _row(group: pl.DataFrame, success: str | None, sparsities: list[str]) -> Iterator[dict[str, Any]]:
    """One row; none where no trajectory has two checkpoints."""
    curves = [curve.sort(STEP) for curve in group.partition_by("series_id") if curve[STEP].n_unique() > 1]
    if not curves:
        return
    first, last = (pl.concat([curve[at] for curve in curves]) for at in (0, -1))
    change = (last["llc"] - first["llc"]).to_numpy()
    errors = np.hypot(*(end["llc_mcse"].fill_null(math.nan).to_numpy() for end in (first, last)))
    between = change.std(ddof=1) if change.size > 1 else errors[0]
    yield {
        "num": len(curves),
        "first_step": first[STEP].min(),
        "last_step": last[STEP].max(),
        "first": first["llc"].mean(),
        "last": last["llc"].mean(),
        "change": float(change.mean()),
        "error": float(between / math.sqrt(change.size)),
        "doubtful": int((pl.concat([first, last])["trust"] != "ok").sum()),
        "before": first[success].mean() if success else None,
        "after": last[success].mean() if success else None,
        **{name: last[name].mean() for name in sparsities},
    }
