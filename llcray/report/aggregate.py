"""Runs that differ by seed alone as one point, over matched targets, the spread and both errors kept apart.

What a plot compares at one value of its x axis is averaged over the same targets: those that every series with a
trusted run there has a trusted run of (`llcray_storage.matched`). The page's script computes the same for the groups
that a reader chooses, in `page/script/panels.js`; a test compares both.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
from llcray_storage.matched import mark_matched

from llcray.report.columns import SAMPLER, is_number
from llcray.report.varying import sampler_axes, target_axes, varying_seeds
from llcray.report.verdict_filter import is_trusted

SAMPLER_COLUMNS = (SAMPLER, "sampler_kind")


class Comparison(NamedTuple):
    """The groups that the points of a panel compare.

    Attributes:
        along: Columns at each of whose values groups are compared anew.
        compare: Columns that tell the compared groups apart; none where points are compared along a line alone.
    """

    along: list[str]
    compare: list[str]


def comparison_of(x: str, color: str | None) -> Comparison:
    """What the points of a panel compare: samplers where they are told apart, else colours, else names along x."""
    if color in (None, x):
        return Comparison([x], []) if is_number(x) else Comparison([], [x])
    return Comparison([color], [x]) if x in SAMPLER_COLUMNS else Comparison([x], [color])


def match_axes(runs: pl.DataFrame) -> list[str]:
    """The columns that can tell the runs behind one point apart."""
    return [*target_axes(runs), SAMPLER, *sampler_axes(runs), *varying_seeds(runs)]


def match_columns(runs: pl.DataFrame, candidates: Sequence[str], x: str, color: str | None) -> list[str]:
    """The candidates that tell the runs behind some point apart; where samplers are compared, none of theirs."""
    by = list(dict.fromkeys([x, *([] if color is None else [color])]))
    names = [name for name in candidates if name not in by]
    if not set(SAMPLER_COLUMNS).isdisjoint(by):
        names = [name for name in names if not name.startswith(SAMPLER)]
    if not names or runs.is_empty():
        return []
    varied = runs.group_by(by).agg(pl.col(names).n_unique()).select(pl.col(names).max() > 1)
    return [name for name in names if varied[name][0]]


def with_matches(
    runs: pl.DataFrame, x: str, color: str | None, y: str, candidates: Sequence[str] | None = None
) -> pl.DataFrame:
    """The runs of a panel with `is_trusted`, `is_matched`, `is_comparable` (see `mark_matched`), and `member`.

    Args:
        runs: Runs with the columns `sampler` and `outcome`.
        x: Column along the x axis.
        color: Column that tells series apart; None for one series.
        y: Column of the number.
        candidates: The `match_axes` of all runs of the plot; None for those of these runs.

    Returns:
        The runs; `member` is the place of a run's target within its point, as text.
    """
    match = match_columns(runs, match_axes(runs) if candidates is None else candidates, x, color)
    along, compare = comparison_of(x, color)
    marked = mark_matched(runs.with_columns(is_trusted(y)), compare, along, match)
    place = pl.concat_str(pl.col(match).cast(pl.String).fill_null("-"), separator=" ") if match else pl.lit("")
    return marked.with_columns(member=place)


def aggregate(marked: pl.DataFrame, by: Sequence[str], y: str) -> pl.DataFrame:
    """One row for each group of matched runs.

    Args:
        marked: Runs as `with_matches` gives them; those that are not matched are left out.
        by: Columns that tell groups apart.
        y: Column of the number.

    Returns:
        The columns of `by`, sorted; `mean`; `spread`, the standard deviation between the runs (null for one run);
        `num_runs`; `members`, the targets behind the mean, sorted; and for the LLC (else null) `sampling`, the sampling
        error of the mean, sqrt(sum llc_sampling_se_i^2) / k, `localization`, the mean of localization_se, and `known`,
        the mean true LLC.
    """
    is_llc = y == "llc"
    nothing = pl.lit(None, pl.Float64)
    sampling = pl.when(pl.col("llc_sampling_se").is_not_null().all()).then(
        pl.col("llc_sampling_se").pow(2).sum().sqrt() / pl.len()
    )
    return (
        marked.filter("is_matched")
        .group_by(by)
        .agg(
            pl.col(y).mean().alias("mean"),
            pl.col(y).std().alias("spread"),
            (sampling if is_llc else nothing).alias("sampling"),
            (pl.col("localization_se").mean() if is_llc else nothing).alias("localization"),
            pl.len().alias("num_runs"),
            pl.col("member").unique().sort().alias("members"),
            (pl.col("true_llc").mean() if is_llc else nothing).alias("known"),
        )
        .sort(by, nulls_last=True)
    )
