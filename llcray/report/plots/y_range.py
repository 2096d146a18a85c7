"""The range of a y axis: it holds all trusted numbers, and doubtful ones with their bars unless they are far off."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from llcray.report.plots.drawing import Drawing
from llcray.report.plots.scale import LOG_Y_RATIO
from llcray.report.verdict_filter import doubtful, trusted

MARGIN = 0.06


class YRange(NamedTuple):
    """Where a y axis begins and ends.

    Attributes:
        low: Lowest value that is drawn at its place; what lies below is drawn at the edge.
        high: Highest value that is.
        logarithmic: Whether the axis is.
    """

    low: float
    high: float
    logarithmic: bool

    def with_margin(self) -> tuple[float, float]:
        """The limits of the axis, a little beyond the range."""
        if self.logarithmic:
            factor = (self.high / self.low) ** MARGIN
            return self.low / factor, self.high * factor
        margin = MARGIN * ((self.high - self.low) or abs(self.high) or 1.0)
        return self.low - margin, self.high + margin


class Bar(NamedTuple):
    """A number with the ends of its error bar."""

    value: float
    low: float
    high: float


def y_range(drawing: Drawing) -> YRange:
    """The range that holds means with their bars, trusted runs, known answers, levels, and doubtful runs near them."""
    return range_around(trusted_ends(drawing), doubtful_bars(drawing), drawing.log_y)


def doubtful_bars(drawing: Drawing) -> list[Bar]:
    """The doubtful estimates, each with the ends of its error bar."""
    rows = doubtful(drawing.runs, drawing.y)
    error = pl.col("llc_sampling_se").fill_null(0.0).fill_nan(0.0) if drawing.y == "llc" else pl.lit(0.0)
    bars = rows.select(pl.col(drawing.y), low=pl.col(drawing.y) - error, high=pl.col(drawing.y) + error)
    return [Bar(*row) for row in bars.rows()]


def trusted_ends(drawing: Drawing) -> list[float]:
    """The numbers that a range must hold: trusted runs, both ends of each bar, known answers and levels."""
    ends: list[float] = trusted(drawing.runs, drawing.y)[drawing.y].to_list()
    for group in drawing.all_means():
        error = pl.max_horizontal(pl.col("spread").fill_null(0), pl.col("sampling").fill_null(0))
        bars = group.select(low=pl.col("mean") - error, high=pl.col("mean") + error, known="known")
        ends += [value for column in bars.get_columns() for value in column.drop_nulls()]
    if not ends:
        ends = doubtful(drawing.runs, drawing.y)[drawing.y].to_list() or [0.0, 1.0]
    return ends + [level.value for level in drawing.levels]


def range_around(ends: Sequence[float], others: Sequence[Bar], logarithmic: bool | None) -> YRange:
    """The range that holds some numbers, and of others those that are not far off.

    Args:
        ends: Numbers to hold; at least one.
        others: Numbers with their bars, to hold if they are no further from `ends` than these span, but at least half
            of their size (linear axis), or a factor of 10 (logarithmic axis). Bars are held as far as that.
        logarithmic: Whether the axis is to be logarithmic, which takes positive numbers; None to choose: if they span
            a factor of 8 or more.
    """
    low, high = min(ends), max(ends)
    if logarithmic and low > 0:
        factor = max(high / low, 10.0)
        lowest, highest = low / factor, high * factor
    else:
        room = max(high - low, 0.5 * max(abs(low), abs(high))) or 1.0
        lowest, highest = low - room, high + room
    near = [bar for bar in others if lowest <= bar.value <= highest]
    low = min([low, *(max(bar.low, lowest) for bar in near)])
    high = max([high, *(min(bar.high, highest) for bar in near)])
    is_positive = low > 0
    wants_log = is_positive and high / low >= LOG_Y_RATIO if logarithmic is None else logarithmic
    return YRange(low, high, wants_log and is_positive)
