"""The series of a plot: the values of the colour column, and how each is drawn."""

from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib import colormaps
from matplotlib.colors import to_hex

from llcray.report.aggregate import SAMPLER_COLUMNS
from llcray.report.colors import LINES, SAMPLER_LOOKS, SERIES, Look, sampler_look, series_look
from llcray.report.columns import is_number
from llcray.report.errors import ReportError
from llcray.report.plots.scale import value_text
from llcray.report.varying import values_of

MAX_SERIES = 12
SHADES_ON_WHITE = (0.0, 0.85)
"""Part of the colour map cividis that is readable on white paper."""


@dataclass(frozen=True)
class Series:
    """One value of the colour column.

    Attributes:
        value: The value.
        name: The value as the legend has it.
        look: Its colour, marker and line.
    """

    value: Any
    name: str
    look: Look


def series_of(
    runs: pl.DataFrame, color: str | None, shades: tuple[float, float] = SHADES_ON_WHITE
) -> tuple[Series, ...]:
    """The series, in order: samplers in their fixed colours, numbers from dark to light, others as they come.

    Args:
        runs: The runs drawn.
        color: Column; None for one series.
        shades: First and last shade of numbers, each between 0 (dark) and 1 (light).

    Raises:
        ReportError: There are more than can be told apart.
    """
    if color is None:
        return (Series(None, "", series_look(0)),)
    values = values_of(runs, color)
    if len(values) > MAX_SERIES:
        raise ReportError(
            f"column '{color}' has {len(values)} values, more than {MAX_SERIES} colours can tell apart: "
            "put it on --x, or add a --filter."
        )
    if color in SAMPLER_COLUMNS:
        values = sorted(values, key=_sampler_order)
        return tuple(Series(value, value_text(value), sampler_look(value or "")) for value in values)
    is_sequence = is_number(color) and len(values) > 2
    looks = _sequential(len(values), *shades) if is_sequence else [series_look(index) for index in range(len(values))]
    return tuple(Series(value, value_text(value), look) for value, look in zip(values, looks, strict=True))


def runs_of_series(runs: pl.DataFrame, color: str | None, series: Series) -> pl.DataFrame:
    """The runs that belong to a series."""
    return runs if color is None else runs.filter(pl.col(color).eq_missing(series.value))


def _sampler_order(name: str | None) -> tuple[int, str]:
    kinds = list(SAMPLER_LOOKS)
    kind = (name or "").partition(" ")[0]
    return kinds.index(kind) if kind in kinds else len(kinds), name or ""


def _sequential(count: int, darkest: float, lightest: float) -> list[Look]:
    """From dark to light of cividis, which colour-blind readers and greyscale printers keep in order."""
    cividis = colormaps["cividis"]
    shades = [cividis(darkest + (lightest - darkest) * index / (count - 1)) for index in range(count)]
    markers = [look.marker for look in SERIES]
    return [
        Look(to_hex(shade), markers[index % len(markers)], LINES[index % len(LINES)])
        for index, shade in enumerate(shades)
    ]
