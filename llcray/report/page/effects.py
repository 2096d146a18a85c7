"""What moves the LLC: the largest difference along each axis, between targets that are alike in every other.

For axis A, targets are matched in blocks that share all other axes and the seeds; the estimates of all samplers of a
target are averaged first. The difference d = LLC(A = b) - LLC(A = a) is averaged over blocks that have both values,
with its standard error sd(d) / sqrt(blocks). Trusted estimates only. For numbers a and b are the smallest and the
largest value; for everything else those whose difference is largest.
"""

import itertools
import math
from typing import Any, NamedTuple

import polars as pl

from llcray.report.columns import is_number
from llcray.report.plots.scale import STEP
from llcray.report.varying import target_axes, values_of, varying_seeds


class Effect(NamedTuple):
    """How far the LLC moves along an axis.

    Attributes:
        axis: Column.
        first: Value it moves from.
        last: Value it moves to.
        difference: Nats.
        error: Its standard error over blocks; None for one block.
        num_blocks: Matched pairs of targets.
        relative: The difference over the mean LLC at `first`; None where that is not positive.
    """

    axis: str
    first: Any
    last: Any
    difference: float
    error: float | None
    num_blocks: int
    relative: float | None


def effects(runs: pl.DataFrame) -> list[Effect]:
    """One for each axis that any two trusted targets differ in alone, largest difference first.

    Args:
        runs: Runs of one sweep with the columns `sampler` and `trust`.
    """
    axes = [name for name in target_axes(runs) if name != STEP]
    keys = [*axes, *varying_seeds(runs), *([STEP] if runs[STEP].n_unique() > 1 else [])]
    trusted = runs.filter(pl.col("trust") == "ok", pl.col("llc").is_finite())
    if not axes or trusted.is_empty():
        return []
    targets = trusted.group_by(keys).agg(pl.col("llc").mean()).sort(keys, nulls_last=True)
    found = [_effect(targets, axis, [key for key in keys if key != axis]) for axis in axes]
    return sorted((one for one in found if one is not None), key=lambda one: -abs(one.difference))


def _effect(targets: pl.DataFrame, axis: str, others: list[str]) -> Effect | None:
    values = [value for value in values_of(targets, axis) if value is not None]
    if len(values) < 2:
        return None
    pairs = [(values[0], values[-1])] if is_number(axis) else list(itertools.combinations(values, 2))
    measured = [found for a, b in pairs if (found := _difference(targets, axis, others, a, b)) is not None]
    return max(measured, key=lambda one: abs(one.difference), default=None)


def _difference(targets: pl.DataFrame, axis: str, others: list[str], a: Any, b: Any) -> Effect | None:
    at_a, at_b = (targets.filter(pl.col(axis) == value) for value in (a, b))
    if others:
        matched = at_a.join(at_b, on=others, suffix="_b", nulls_equal=True)
    else:
        matched = at_a.join(at_b, how="cross", suffix="_b")
    if matched.is_empty():
        return None
    before, after = matched["llc"].to_numpy(), matched["llc_b"].to_numpy()
    change, start = after - before, float(before.mean())
    error = float(change.std(ddof=1)) / math.sqrt(change.size) if change.size > 1 else None
    difference = float(change.mean())
    return Effect(axis, a, b, difference, error, change.size, difference / start if start > 0 else None)
