"""Where values of a column go on an axis: numbers by value, linear or logarithmic; everything else side by side."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from llcray.report.columns import is_number

LOG_RATIO = 10.0
LOG_Y_RATIO = 8.0
MAX_VALUE_TICKS = 9
MIN_TICK_SPACING = 0.12
STEP = "step"


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
    def _first(self) -> float:
        """The smallest value that has a logarithm."""
        return next(value for value in self.values if value > 0)

    def position(self, value: Any) -> float:
        """Where the value goes."""
        return float(value) if self.numeric else float(self.values.index(value))

    def set_up(self, axis: Any, set_limits: Callable[..., Any], set_scale: Callable[..., Any]) -> None:
        """Scale, ticks and limits of an axis."""
        if not self.numeric:
            axis.set_ticks(range(len(self.values)), [value_text(value) for value in self.values])
            axis.set_minor_locator(_no_ticks())
            set_limits(-0.6, len(self.values) - 0.4)
            return
        if self.logarithmic and self.values[0] == 0:
            self._start_at_zero(axis, set_limits, set_scale)
            return
        if self.logarithmic:
            set_scale("log")
        if self._has_room_for_values():
            axis.set_ticks(self.values, [value_text(value) for value in self.values])
            axis.set_minor_locator(_no_ticks())
        elif self.logarithmic:
            plain_log_ticks(axis, self.values[0], self.values[-1])
        first, last = self.values[0], self.values[-1]
        if self.logarithmic:
            margin = (last / first) ** 0.08
            set_limits(first / margin, last * margin)
        elif last > first:
            set_limits(first - 0.08 * (last - first), last + 0.08 * (last - first))

    def _start_at_zero(self, axis: Any, set_limits: Callable[..., Any], set_scale: Callable[..., Any]) -> None:
        first, last = self._first, self.values[-1]
        set_scale("symlog", linthresh=first, linscale=0.6)
        decades = range(math.ceil(math.log10(first)), math.floor(math.log10(last)) + 1)
        ticks = [0.0, *(10.0**decade for decade in decades)]
        axis.set_ticks(ticks, [value_text(tick) for tick in ticks])
        axis.set_minor_locator(_no_ticks())
        set_limits(-0.15 * first, last * (last / first) ** 0.05)

    def _has_room_for_values(self) -> bool:
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
    chosen = positive and ratio >= LOG_RATIO if logarithmic is None else positive and logarithmic
    return Scale(tuple(values), numeric, chosen)


def spans_decades(low: float, high: float) -> bool:
    """Whether numbers between the two deserve a logarithmic axis."""
    return low > 0 and high / low >= LOG_Y_RATIO


def plain_log_ticks(axis: Any, low: float, high: float) -> None:
    """Ticks of a logarithmic axis as plain numbers, 1, 2 and 5 of each decade where these are few."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 1e3 else (1,)))
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: value_text(value) if 1e-3 < value < 1e7 else f"{value:.0e}")
    )
    axis.set_minor_locator(_no_ticks())


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


def _no_ticks() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()
