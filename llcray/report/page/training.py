"""The change of each component's LLC from the first checkpoint to the last, beside what the updates touched.

For each group of trajectories that are alike in all but their seeds, the change is averaged over them. Its error is
their standard deviation over the root of their number, or for one trajectory the Monte Carlo error.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from llcray.report.columns import SAMPLER, label_of
from llcray.report.page.plain import plain_row
from llcray.report.plots.panels import LABEL
from llcray.report.plots.scale import STEP
from llcray.report.varying import sampler_axes, target_axes
from llcray.report.verdict_filter import FAILED, OK

SUCCESS = ("test_reward", "test_accuracy", "test_loss")
"""Columns of what training is for; the first that was recorded is shown."""
SPARSITIES = ("update_sparsity_exact", "update_sparsity_tolerance", "update_sparsity_bfloat16")
SETTINGS = ("method_learning_rate", "method_weights")
"""Columns that decide a sparsity beside the number of steps."""


def training_section(runs: pl.DataFrame) -> dict[str, Any]:
    """The changes along training as plain data, with the columns in words; see `along_training`."""
    changes = along_training(runs)
    names = [*changes["axes"], *changes["sparsities"], *changes["settings"], *filter(None, [changes["success"]])]
    rows = [plain_row(row) for row in changes["rows"]]
    return changes | {"rows": rows, "labels": {name: label_of(name) for name in names}}


def along_training(runs: pl.DataFrame) -> dict[str, Any]:
    """A row for each group of trajectories; no rows without trajectories of two checkpoints.

    Args:
        runs: Runs of one sweep with the columns `sampler` and `outcome`.

    Returns:
        `axes` that tell the rows apart, `success` (a column's name or None), `sparsities` recorded, and `rows`: the
        axes, `num` trajectories, `first_step`, `last_step`, LLC `first` and `last`, `change`, its `error`, the number
        of `doubtful` estimates among both ends, success `before` and `after`, the mean of each sparsity and, where
        there are some, the `settings` that decide them: their names beside the rows, their values in them.
    """
    checkpoints = _checkpoints(runs)
    axes = [*(name for name in target_axes(checkpoints) if name != STEP), *sampler_axes(checkpoints)]
    axes += [name for name in (LABEL, SAMPLER) if name not in axes and checkpoints[name].n_unique() > 1]
    success = success_of(runs)
    sparsities = [name for name in SPARSITIES if checkpoints[name].is_not_null().any()]
    settings = [name for name in SETTINGS if sparsities and name not in axes]
    by_axes = checkpoints.sort(axes, nulls_last=True).group_by(axes, maintain_order=True) if axes else None
    rows = [
        dict(zip(axes, key, strict=True)) | row | {name: group[name][0] for name in settings}
        for key, group in by_axes or [((), checkpoints)]
        for row in _row(group, success, sparsities)
    ]
    return {"axes": axes, "success": success, "sparsities": sparsities, "settings": settings, "rows": rows}


def success_of(runs: pl.DataFrame) -> str | None:
    """The column that says how well training went, if one was recorded along it."""
    checkpoints = _checkpoints(runs)
    return next((name for name in SUCCESS if checkpoints[name].is_not_null().any()), None)


def _checkpoints(runs: pl.DataFrame) -> pl.DataFrame:
    """The estimates along trajectories, whatever their verdict."""
    return runs.filter(pl.col("outcome") != FAILED, pl.col("llc").is_finite(), pl.col("series_id").is_not_null())


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
        "doubtful": int((pl.concat([first, last])["outcome"] != OK).sum()),
        "before": first[success].mean() if success else None,
        "after": last[success].mean() if success else None,
        **{name: last[name].mean() for name in sparsities},
    }
