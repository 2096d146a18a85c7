"""The runs of a dataset as trackers of experiments hold them: settings, numbers along steps, and how it ended."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from llcray_storage import scan_runs
from llcray_storage.estimate_words import estimate_of
from llcray_storage.schema.status import FAILED
from llcray_storage.schema.tables import axis_column_names
from llcray_storage.store.layout import checked_id, sweep_partition
from llcray_storage.store.settings import Root

from llcray.report.columns import SAMPLER, heading
from llcray.report.errors import ReportError
from llcray.report.page.runs import NUMBERS
from llcray.report.plots.scale import STEP
from llcray.report.results_table import leading_columns
from llcray.report.varying import prepared
from llcray.report.verdict_filter import outcome

Setting = str | int | float | bool
IDENTITY = ("target_id", "trajectory_id", "llcray_version", "device_kind", "precision")
"""Columns that are settings beside the axes."""


@dataclass(frozen=True)
class Point:
    """One estimate of an exported run.

    Attributes:
        step: Checkpoint along the training; 0 for a target that is no checkpoint.
        run_id: Id of the run in the dataset.
        numbers: Measured numbers by the names of their columns: `llc`, `llc_sampling_se`, `localization_se`, ...
        texts: What is said of the estimate: `verdict` (`failed` for a failed run), `verdict_reason`, and the LLC with
            its two errors as `estimate`.
        finished_at: When the run was finished; None where it is not known.
    """

    step: int
    run_id: str
    numbers: Mapping[str, float]
    texts: Mapping[str, str]
    finished_at: datetime | None

    @property
    def failed(self) -> bool:
        """Whether there is no estimate."""
        return self.texts["verdict"] == FAILED

    @property
    def milliseconds(self) -> int:
        """When the run was finished, in milliseconds since 1970; 0 where it is not known."""
        return 0 if self.finished_at is None else round(1000 * self.finished_at.timestamp())


@dataclass(frozen=True)
class ExportedRun:
    """A run as a tracker of experiments holds it: one estimate, or the curve along one training.

    Attributes:
        id: The `run_id` of the estimate, or the `series_id` of the curve: exported again, it is the same run.
        sweep: Name of the sweep.
        name: The values that tell the run from the others of its sweep.
        config: Axes by the names of their columns, where they are the same at all points.
        points: The estimates, by step.
    """

    id: str
    sweep: str
    name: str
    config: Mapping[str, Setting]
    points: tuple[Point, ...]

    @property
    def last(self) -> Point:
        """The estimate that the run ends with."""
        return self.points[-1]


def exported_runs(root: Root, sweep: str | None = None, run_id: str | None = None) -> list[ExportedRun]:
    """The runs of a dataset, those along one training together, in the order of their names.

    Args:
        root: The dataset.
        sweep: Only this sweep.
        run_id: Only the run of this id, or whose id starts so, and what lies along the same training.

    Raises:
        ReportError: There is no such run.
        StorageError: There is no dataset, or an id or a sweep in it has a name that cannot be a file.
    """
    runs = prepared(scan_runs(root, sweep)).with_columns(outcome(), pl.col(STEP).fill_null(0).alias("at"), _identity())
    kept = runs if run_id is None else runs.filter(pl.col("run_id").str.starts_with(run_id))
    if kept.is_empty():
        raise ReportError(f"there is no run {run_id or ''} to export: `llcray query` lists run_id.".replace("  ", " "))
    made: list[ExportedRun] = []
    for of_sweep in runs.partition_by("sweep"):
        names = [name for name in leading_columns(of_sweep) if name != STEP]
        wanted = of_sweep.filter(pl.col("id").is_in(kept["id"].to_list()))
        made += [_exported(points.sort("at", "run_id"), names) for points in wanted.partition_by("id")]
    return sorted(made, key=lambda run: (run.sweep, run.name, run.id))


def _identity() -> pl.Expr:
    along = pl.col("series_id").is_not_null() & pl.col(STEP).is_not_null()
    return pl.when(along).then("series_id").otherwise("run_id").alias("id")


def _exported(points: pl.DataFrame, names: list[str]) -> ExportedRun:
    first = points.row(0, named=True)
    known = {name: _plain(first[name]) for name in names if first[name] is not None}
    words = [str(value) if name == SAMPLER else f"{heading(name)}={value}" for name, value in known.items()]
    return ExportedRun(
        # Both become parts of paths, and a dataset may be somebody else's.
        id=checked_id(first["id"]),
        sweep=str(sweep_partition(first["sweep"]).sweep),
        name=" ".join(words) or first["id"],
        config=dict(_settings(points)),
        points=tuple(_point(row) for row in points.iter_rows(named=True)),
    )


def _settings(points: pl.DataFrame) -> Iterator[tuple[str, Setting]]:
    for name in (*axis_column_names(), *IDENTITY):
        values = points[name].unique()
        if len(values) == 1 and values[0] is not None:
            yield name, _plain(values[0])


def _plain(value: Any) -> Setting:
    return f"{value:.6g}" if isinstance(value, float) and not math.isfinite(value) else value


def _point(row: Mapping[str, Any]) -> Point:
    numbers = {name: float(row[name]) for name in NUMBERS if row[name] is not None and math.isfinite(row[name])}
    reason = row["verdict_reason"] or row["reason"] or ""
    texts = {"verdict": row["outcome"] or "", "verdict_reason": reason, "estimate": f"LLC {estimate_of(row)}"}
    return Point(row["at"], row["run_id"], numbers, texts, row["finished_at"])
