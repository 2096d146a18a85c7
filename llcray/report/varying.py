"""The axes that a sweep varies, and those of them that it takes to tell its runs apart."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from llcray_storage.schema.tables import axis_column_names

from llcray.report.columns import SAMPLER, is_list, is_number, sampler_label

SEEDS = ("seed", "sampling_seed")
FOLLOWING = ("n_beta", "inverse_temperature")
"""Numbers that follow from other axes (`inverse_temperature_scale`, `num_data`) run by run."""
COUNTED = ("architecture_depth",)
"""Numbers that a list says as well (`architecture_widths`)."""
SET_BY_AXES = ("num_params", "num_sampled_params", "num_data")
"""Numbers that are no axes and follow from them."""


def prepared(runs: pl.LazyFrame) -> pl.DataFrame:
    """The runs with the column `sampler`, lists as text, in a fixed order."""
    rows = runs.with_columns(sampler_label()).collect().sort("run_id")
    return rows.with_columns(_ordered_texts(rows[name]) for name in axis_column_names() if is_list(name))


def values_of(runs: pl.DataFrame, name: str) -> list[Any]:
    """The distinct values of a column in order, lists by their numbers (8 before 16), null last."""
    return runs[name].unique().sort(nulls_last=True).to_list()


def target_axes(runs: pl.DataFrame) -> list[str]:
    """Axes other than seeds and samplers that vary, those that follow from the others left out; in schema order."""
    names = [name for name in axis_column_names() if not name.startswith("sampler_") and name not in FOLLOWING]
    return independent(runs, [name for name in names if name not in SEEDS and not _is_calibrated(runs, name)])


def sampler_axes(runs: pl.DataFrame) -> list[str]:
    """Settings of the samplers that vary beyond kind and preconditioner, which the column `sampler` has."""
    names = [name for name in axis_column_names() if name.startswith("sampler_")]
    return [name for name in independent(runs, [SAMPLER, *names]) if name != SAMPLER]


def is_measured(runs: pl.DataFrame, name: str) -> bool:
    """Whether a column holds numbers that runs measured, such as an accuracy, rather than values that a sweep set."""
    is_set = name in axis_column_names() or name in SET_BY_AXES
    return is_number(name) and (not is_set or _is_calibrated(runs, name))


def varying_seeds(runs: pl.DataFrame) -> list[str]:
    """The columns of seeds that vary."""
    return varying(runs, SEEDS)


def varying(runs: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """The columns that have several values. Rows of an older schema that lack a column count as no value."""
    columns = pl.col(names)
    valid = runs.select(columns.drop_nulls().n_unique())
    of_versions = runs.group_by("schema_version").agg(columns.n_unique()).select(columns.max())
    counts = valid.vstack(of_versions).max()
    return [name for name in names if (counts[name][0] or 0) > 1]


def independent(runs: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """The columns that vary, without those that are a function of the others.

    Numbers are kept before lists and the student before the teacher, since the latter often follow.
    """
    kept: list[str] = []
    for name in sorted(varying(runs, names), key=lambda name: (name.startswith("teacher_"), is_list(name))):
        if not _follows(runs, name, kept):
            kept.append(name)
    for name in list(kept):
        others = [other for other in kept if other != name]
        may_go = name in COUNTED or not is_number(name)
        if others and may_go and _follows(runs, name, others):
            kept.remove(name)
    return [name for name in names if name in kept]


def prevailing(runs: pl.DataFrame, name: str) -> Any:
    """The commonest value of a column; of equally common ones the smallest, and null last."""
    counts = runs[name].value_counts(sort=False)
    return counts.sort(["count", name], descending=[True, False], nulls_last=True)[name][0]


def _ordered_texts(lists: pl.Series) -> pl.Series:
    """Lists as texts that sort as the lists do."""
    values = sorted(lists.drop_nulls().unique().to_list())
    texts = lists.cast(pl.List(pl.String)).list.join("-")
    return texts.cast(pl.Enum(["-".join(map(str, value)) for value in values]))


def _follows(runs: pl.DataFrame, name: str, others: Sequence[str]) -> bool:
    if not others:
        return False
    return runs.select(*others, name).unique().height == runs.select(*others).unique().height


def _is_calibrated(runs: pl.DataFrame, name: str) -> bool:
    """Whether the column was chosen run by run by calibration, and so is a result rather than an axis."""
    return name == "localization" and runs["localization_kind"].is_in(["auto"]).fill_null(True).any()
