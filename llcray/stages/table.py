"""Rows of the dataset's table `stages`: the stages of every series of a sweep.

A series is a metric of the runs that differ in `step` alone: one curve along a training.
"""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from llcray_storage.schema.status import DONE
from scipy.stats import false_discovery_control, norm

from llcray.array_types import Row
from llcray.stages.changepoints import mean_shifts
from llcray.stages.detect import detect_stages
from llcray.stages.series import FEWEST, Series, series_of

Method = Literal["stages", "changepoints"]
NAMES = ("series_id", "trajectory_id", "label", "seed", "component", "sampler_kind")
LOST = ("diverged",)


class _SeriesRows(NamedTuple):
    names: Row
    rows: list[Row]


def stage_rows(runs: pl.DataFrame, metric: str, method: Method) -> list[Row]:
    """Rows of `stages` for every series that has at least five finite values.

    Args:
        runs: Rows of `runs` of one sweep.
        metric: A number column of `runs`.
        method: `stages` or `changepoints`.
    """
    along = runs.filter(pl.col("step").is_not_null() & (pl.col("status") == DONE))
    all_series = []
    for _, group in sorted(along.group_by("series_id"), key=lambda item: str(item[0])):
        usable = group.filter(pl.col(metric).is_finite() & ~pl.col("verdict").is_in(LOST).fill_null(False))
        if usable.height >= FEWEST:
            all_series.append(_rows_of_series(usable.sort("step"), metric, method))
    _add_q_values(all_series)
    return [row for series in all_series for row in series.rows]


def _rows_of_series(group: pl.DataFrame, metric: str, method: Method) -> _SeriesRows:
    names = {name: group[name][0] for name in NAMES}
    series = series_of(group["step"].to_numpy(), group[metric].to_numpy(), _standard_errors(group, metric))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        parts = list(_stages(series) if method == "stages" else _stretches(series))
    doubtful = group.filter(pl.col("verdict") != "ok").height if metric == "llc" else 0
    notes = [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
    notes += [f"{doubtful} of {group.height} estimates have another verdict than ok"] if doubtful else []
    shared = {
        **names,
        "num_stages": len(parts),
        "num_checkpoints": len(series),
        "warnings": notes,
        "llcray_version": version("llcray"),
        "created_at": datetime.now(UTC),
    }
    return _SeriesRows(names, [{**shared, "stage": index, **part} for index, part in enumerate(parts)])


def _standard_errors(group: pl.DataFrame, metric: str) -> np.ndarray | None:
    """Standard errors of the LLC, the larger of MCSE and spread of the chains' estimates; None for other metrics."""
    if metric != "llc":
        return None
    between = pl.col("llc_between_chain_sd") / pl.col("num_chains").cast(pl.Float64).sqrt()
    return (
        group.select(pl.max_horizontal("llc_mcse", between)).to_series().cast(pl.Float64).fill_null(np.nan).to_numpy()
    )


def _stages(series: Series) -> Iterator[Row]:
    for stage in detect_stages(series):
        row = {
            name: getattr(stage, name)
            for name in ("start_step", "end_step", "value_at_start", "value_at_end", "change", "z", "direction")
        }
        if stage.end is not None:
            row |= {
                "end_step_low": stage.end.step_low,
                "end_step_high": stage.end.step_high,
                "end_frequency": stage.end.frequency,
            }
        yield row


def _stretches(series: Series) -> Iterator[Row]:
    for stretch in mean_shifts(series):
        yield {
            "start_step": stretch.start_step,
            "end_step": stretch.end_step,
            "value_at_start": stretch.mean,
            "value_at_end": stretch.mean,
            "change": stretch.shift,
            "z": stretch.z,
            "direction": stretch.direction,
        }


def _add_q_values(all_series: list[_SeriesRows]) -> None:
    """Adds q-values by Benjamini-Hochberg over all changes of a trajectory, in all its components and samplers."""
    of_trajectory: dict[Any, list[Row]] = {}
    for series in all_series:
        of_trajectory.setdefault(series.names["trajectory_id"] or series.names["series_id"], []).extend(series.rows)
    for rows in of_trajectory.values():
        q_values = false_discovery_control(2 * norm.sf([row["z"] for row in rows]))
        for row, q_value in zip(rows, q_values, strict=True):
            row["q_value"] = float(q_value)
