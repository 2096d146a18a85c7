"""Where the values of a column go on an axis: numbers by value, linear or logarithmic; everything else side by side.

This is decided here once. `axes.py` draws it with matplotlib, and `page/axes.py` hands it to the page's script as data.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import polars as pl

from llcray.report.columns import is_number

LOG_X_RATIO = 10.0
LOG_Y_RATIO = 8.0
MAX_VALUE_TICKS = 9
MIN_TICK_SPACING = 0.12
STEP = "step"

# An axis of training steps that starts at 0 is linear up to the first positive step, then logarithmic. The linear
# stretch is as wide as matplotlib draws it for `linscale`: linscale / (1 - 1/10) decades.
LINEAR_SCALE = 0.6
LINEAR_DECADES = LINEAR_SCALE / 0.9


@dataclass(frozen=True)
class Scale:
    """The positions of a column's values.

    Attributes:
        values: All distinct values, in order.
        numeric: Whether a value is its own position; otherwise its rank is.
        logarithmic: Whether the axis is; a zero before positive values gets a linear stretch of its own.
    """

    values: tuple[Any, ...]
    numeric: bool
    logarithmic: bool

    @property
    def starts_at_zero(self) -> bool:
        """Whether a linear stretch from zero comes before the logarithmic part."""
        return self.logarithmic and self.values[0] == 0

    @property
    def first_positive(self) -> float:
        """The smallest value that has a logarithm."""
        return next(value for value in self.values if value > 0)

    def position(self, value: Any) -> float:
        """The value as a number that an axis of this scale understands."""
        return float(value) if self.numeric else float(self.values.index(value))

    def coordinate(self, position: float) -> float:
        """How far along the axis a position is: decades on a logarithmic axis, else the position itself."""
        if not self.logarithmic:
            return position
        if not self.starts_at_zero:
            return math.log10(position)
        ratio = position / self.first_positive
        return LINEAR_DECADES * ratio if ratio <= 1 else LINEAR_DECADES + math.log10(ratio)

    def ticks(self) -> list[Any] | None:
        """The values that get a tick; None where that is left to what draws the axis."""
        if not self.numeric:
            return list(self.values)
        first, last = self.values[0], self.values[-1]
        if self.starts_at_zero:
            decades = range(math.ceil(math.log10(self.first_positive)), math.floor(math.log10(last)) + 1)
            return [0.0, *(10.0**decade for decade in decades)]
        if self.has_room_for_values():
            return list(self.values)
        return log_ticks(first, last) if self.logarithmic else None

    def has_log_ticks(self) -> bool:
        """Whether the ticks are those of decades rather than of values."""
        return self.logarithmic and not self.starts_at_zero and not self.has_room_for_values()

    def tick_text(self, value: Any) -> str:
        """The label of the tick at a value."""
        return log_tick_text(value) if self.has_log_ticks() else value_text(value)

    def limits(self) -> tuple[float, float]:
        """The positions where the axis begins and ends."""
        if not self.numeric:
            return -0.6, len(self.values) - 0.4
        first, last = self.values[0], self.values[-1]
        if self.starts_at_zero:
            return -0.15 * self.first_positive, last * (last / self.first_positive) ** 0.05
        if self.logarithmic:
            margin = (last / first) ** 0.08
            return first / margin, last * margin
        return first - 0.08 * (last - first), last + 0.08 * (last - first)

    def nearest(self) -> float:
        """The distance between the nearest two values, as a share of the length of the axis."""
        low, high = (self.coordinate(limit) for limit in self.limits())
        places = [self.coordinate(self.position(value)) for value in self.values]
        return min((after - before for before, after in itertools.pairwise(places)), default=high - low) / (high - low)

    def has_room_for_values(self) -> bool:
        """Whether a tick at each value leaves the labels apart."""
        places = [math.log(value) if self.logarithmic else value for value in self.values]
        nearest = min((after - before for before, after in itertools.pairwise(places)), default=1.0)
        return len(places) <= MAX_VALUE_TICKS and nearest >= MIN_TICK_SPACING * (places[-1] - places[0])


def scale_of(column: pl.Series, logarithmic: bool | None) -> Scale:
    """The scale for a column's values.

    Args:
        column: All values that will be drawn.
        logarithmic: None to choose: positive numbers that span a factor of 10 or more. Training steps may start at 0.
    """
    values = column.unique().sort(nulls_last=True).to_list()
    numeric = is_number(column.name) and None not in values and len(values) > 1
    at_zero = numeric and column.name == STEP and values[0] == 0
    positive = numeric and (values[0] > 0 or at_zero) and values[-1] > 0
    ratio = values[-1] / next(value for value in values if value > 0) if positive else 1.0
    chosen = positive and ratio >= LOG_X_RATIO if logarithmic is None else positive and logarithmic
    return Scale(tuple(values), numeric, chosen)


def log_tick_digits(low: float, high: float) -> tuple[int, ...]:
    """The multiples of powers of ten that get a tick on a logarithmic axis: more of them where decades are few."""
    return (1, 2, 5) if high / low < 1e3 else (1,)


def log_ticks(low: float, high: float) -> list[float]:
    """The ticks of a logarithmic axis, from the decade below its range to the one above."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    digits = log_tick_digits(low, high)
    return [*(float(f"{digit}e{decade}") for decade in range(first, last) for digit in digits), 10.0**last]


def log_tick_text(value: float) -> str:
    """A tick of a logarithmic axis, with a power of ten where the number would be long."""
    return value_text(value) if 1e-3 < value < 1e7 else f"{value:.0e}"


def value_text(value: Any) -> str:
    """A value of an axis, short: 10k for 10,000, a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if math.isfinite(value) and abs(value) >= 1000 and value % 100 == 0:
            return f"{value / 1e6:g}M" if abs(value) >= 1e6 else f"{value / 1e3:g}k"
        return f"{value:g}" if 1e-3 <= abs(value) < 1e6 or value == 0 else f"{value:.3g}"
    return str(value)
