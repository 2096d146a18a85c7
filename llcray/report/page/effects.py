"""How far each axis moves the LLC: the largest difference along it, between targets that are alike in every other axis.

For axis A, targets are matched in blocks that share all other axes and the seeds. Within a block the difference is
taken sampler by sampler, and averaged over the samplers that both targets have a trusted estimate of. It is then
averaged over the blocks, with its standard error:

    d = LLC(A = b) - LLC(A = a)
    se = sd(d) / sqrt(number of blocks)

Only trusted estimates count. For numbers a and b are the smallest and the largest value; for everything else they are
the two values whose difference is largest.
"""

import itertools
import math
from typing import Any, NamedTuple

import polars as pl
from llcray_storage.estimate_words import plus_minus

from llcray.report.columns import SAMPLER, is_number, label_of
from llcray.report.plots.scale import STEP, value_text
from llcray.report.varying import sampler_axes, target_axes, values_of, varying_seeds
from llcray.report.verdict_filter import trusted


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

    def sentence(self) -> str:
        """The effect in words, such as `depth, 1 to 4: LLC −9.52 ± 0.41 nats, −33% (3 matched pairs of targets)`."""
        values = f"{value_text(self.first)} to {value_text(self.last)}"
        change = ("" if self.difference < 0 else "+") + plus_minus(self.difference, self.error)
        share = "" if self.relative is None else f", {_relative_text(self.relative)}"
        pairs = f"{self.num_blocks} matched pair{'' if self.num_blocks == 1 else 's'} of targets"
        return f"{label_of(self.axis)}, {values}: LLC {change.replace('-', '−')} nats{share} ({pairs})"


def effects(runs: pl.DataFrame) -> list[Effect]:
    """The effect of each axis that any two trusted targets differ in alone, largest difference first.

    Args:
        runs: Runs of one sweep with the columns `sampler` and `outcome`.
    """
    axes = [name for name in target_axes(runs) if name != STEP]
    keys = [*axes, *varying_seeds(runs), *([STEP] if runs[STEP].n_unique() > 1 else [])]
    averaged = trusted(runs, "llc")
    if not axes or averaged.is_empty():
        return []
    by_sampler = [*keys, SAMPLER, *sampler_axes(runs)]
    targets = averaged.group_by(by_sampler).agg(pl.col("llc").mean()).sort(by_sampler, nulls_last=True)
    blocks = {axis: [key for key in keys if key != axis] for axis in axes}
    samplers = [name for name in by_sampler if name not in keys]
    measured = (_effect(targets, axis, others, samplers) for axis, others in blocks.items())
    return sorted((effect for effect in measured if effect is not None), key=lambda effect: -abs(effect.difference))


def _effect(targets: pl.DataFrame, axis: str, others: list[str], samplers: list[str]) -> Effect | None:
    values = [value for value in values_of(targets, axis) if value is not None]
    if len(values) < 2:
        return None
    pairs = [(values[0], values[-1])] if is_number(axis) else list(itertools.combinations(values, 2))
    measured = [_difference(targets, axis, others, samplers, a, b) for a, b in pairs]
    return max(filter(None, measured), key=lambda effect: abs(effect.difference), default=None)


def _difference(
    targets: pl.DataFrame, axis: str, others: list[str], samplers: list[str], a: Any, b: Any
) -> Effect | None:
    at_a, at_b = (targets.filter(pl.col(axis) == value) for value in (a, b))
    pairs = at_a.join(at_b, on=[*others, *samplers], suffix="_b", nulls_equal=True)
    if pairs.is_empty():
        return None
    levels = [pl.col("llc", "llc_b").mean()]
    matched = pairs.group_by(others, maintain_order=True).agg(levels) if others else pairs.select(levels)
    before, after = matched["llc"].to_numpy(), matched["llc_b"].to_numpy()
    change, start = after - before, float(before.mean())
    error = float(change.std(ddof=1)) / math.sqrt(change.size) if change.size > 1 else None
    difference = float(change.mean())
    return Effect(axis, a, b, difference, error, change.size, difference / start if start > 0 else None)


def _relative_text(relative: float) -> str:
    """The relative change as people write it: `−14%`, or above a doubling `×3.2`."""
    return f"×{1 + relative:.2g}" if relative > 1 else f"{relative:+.0%}".replace("-", "−")
