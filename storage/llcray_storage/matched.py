"""Compares like with like: means over the targets that every compared group has a trusted estimate of.

Estimates that are not to be trusted enter no mean. Where such estimates are left out, groups that agree target by
target can have means that differ, since each is then a mean over other targets. So a target counts for all groups or
for none.
"""

from collections.abc import Sequence

import polars as pl

from llcray_storage.errors import StorageError
from llcray_storage.schema.status import DONE

TARGET = ("target_id", "component", "loss_on")
"""Columns that are the same in two runs that estimate the same LLC."""
GROUP, COMPARED = "_group", "_compared"


def matched_means(
    runs: pl.LazyFrame | pl.DataFrame,
    compare: str | Sequence[str],
    along: Sequence[str] = (),
    match: Sequence[str] = TARGET,
    y: str = "llc",
) -> pl.DataFrame:
    """Average the trusted estimates of groups over the targets that all of them have in common.

    Args:
        runs: Rows of `runs`.
        compare: Column or columns whose values are compared, such as `sampler_kind`.
        along: Columns at each of whose values the comparison is made anew, such as `noise_rate`.
        match: Columns that say which runs of two groups belong together. For samplers that is the target. To compare
            targets, give what they share, such as `seed`.
        y: Column of the number.

    Returns:
        One row for each group, sorted: the columns of `along` and `compare`; the mean, named as y; `sampling_se`, its
        sampling error, root of the sum of squares of `llc_sampling_se` over the number of runs (null unless y is the
        LLC); `localization_se`, the mean of that column; `sd`, the standard deviation between runs; `num_matched`, the
        runs in the mean; and `num_trusted`, the trusted runs of the group. Where nothing matches, the mean is null and
        `num_matched` is 0. A group without any trusted run is compared with nobody.

    Raises:
        StorageError: The groups share nothing that could be matched.
    """
    compared = [compare] if isinstance(compare, str) else list(compare)
    is_llc = y == "llc"
    errors = ["llc_sampling_se", "localization_se"] if is_llc else []
    names = list(dict.fromkeys([*along, *compared, *match, "status", "verdict", y, *errors]))
    rows = runs.lazy().select(names).collect()
    is_trusted = (pl.col("status") == DONE) & (pl.col("verdict") == "ok") & pl.col(y).is_finite()
    marked = mark_matched(rows.with_columns(is_trusted=is_trusted.fill_null(False)), compared, along, match)
    if marked.height and marked["is_trusted"].any() and not marked["is_comparable"].any():
        raise StorageError(
            f"the groups of {', '.join(compared)} have no {', '.join(match)} in common, so nothing can be matched: "
            "give match=[...] with columns that they share, such as 'seed'."
        )
    matched = pl.col("is_matched") & pl.col("is_comparable")
    nothing = pl.lit(None, pl.Float64)
    sampling = pl.col("llc_sampling_se").filter(matched).pow(2).sum().sqrt() / matched.sum() if is_llc else nothing
    means = marked.group_by([*along, *compared]).agg(
        pl.col(y).filter(matched).mean(),
        pl.when(matched.any()).then(sampling).alias("sampling_se"),
        (pl.col("localization_se").filter(matched).mean() if is_llc else nothing).alias("localization_se"),
        pl.col(y).filter(matched).std().alias("sd"),
        matched.sum().alias("num_matched"),
        pl.col("is_trusted").sum().alias("num_trusted"),
    )
    return means.sort([*along, *compared], nulls_last=True)


def mark_matched(
    runs: pl.DataFrame, compare: Sequence[str], along: Sequence[str], match: Sequence[str]
) -> pl.DataFrame:
    """Mark the trusted runs whose targets all compared groups have a trusted run of.

    Groups with a trusted run at the same values of `along` are compared. Groups whose runs, trusted or not, have no
    target in common are unlike by design: they cannot be matched, and all their trusted runs are marked.

    Args:
        runs: Rows with the column `is_trusted`.
        compare: Columns whose values tell groups apart; none for a single group.
        along: Columns at each of whose values groups are compared anew.
        match: Columns that name a target within a group; none where each group has one.

    Returns:
        The rows with `is_matched`, and `is_comparable`: whether the groups compared at the row's values of `along` have
        a target in common.
    """
    group = pl.struct(compare) if compare else pl.lit(0)
    trusted, compared = pl.col("is_trusted"), pl.col(COMPARED)
    rows = runs.with_columns(group.alias(GROUP)).with_columns(_over(trusted.any(), [*along, *compare]).alias(COMPARED))
    num_groups = _over(pl.col(GROUP).filter(compared).n_unique(), along)
    num_with = _over(pl.col(GROUP).filter(compared).n_unique(), [*along, *match])
    num_trusting = _over(pl.col(GROUP).filter(trusted).n_unique(), [*along, *match])
    counted = rows.with_columns(_num=num_groups, _with=num_with, _trusting=num_trusting)
    is_common = compared & (pl.col("_with") == pl.col("_num"))
    comparable = counted.with_columns(is_comparable=_over(is_common.any(), along))
    matched = trusted & ((pl.col("_trusting") == pl.col("_num")) | ~pl.col("is_comparable"))
    return comparable.with_columns(is_matched=matched).drop(GROUP, COMPARED, "_num", "_with", "_trusting")


def _over(number: pl.Expr, by: Sequence[str]) -> pl.Expr:
    """Take a number of all rows with the same values of some columns; of all rows where there are none."""
    return number.over(list(by)) if by else number
