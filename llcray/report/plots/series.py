"""The series of a plot: which values of the colour column there are, and how each is drawn."""

from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib import colormaps
from matplotlib.colors import to_hex

from llcray.report.colors import SAMPLER_LOOKS, SERIES, LineStyle, Look, sampler_look, series_look
from llcray.report.columns import SAMPLER, is_number
from llcray.report.errors import ReportError
from llcray.report.plots.scale import value_text
from llcray.report.varying import values_of

MAX_SERIES = 12
SAMPLERS = (SAMPLER, "sampler_kind")
LINES: tuple[LineStyle, ...] = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Series:
    """One value of the colour column.

    Attributes:
        value: The value.
        name: As the legend has it.
        look: Colour, marker, line.
    """

    value: Any
    name: str
    look: Look


def series_of(runs: pl.DataFrame, color: str | None) -> tuple[Series, ...]:
    """The series, in order: samplers in their fixed colours, numbers from dark to light, others as they come.

    Raises:
        ReportError: There are more than can be told apart.
    """
    if color is None:
        return (Series(None, "", series_look(0)),)
    values = sorted(values_of(runs, color), key=_sampler_order) if color in SAMPLERS else values_of(runs, color)
    if len(values) > MAX_SERIES:
        raise ReportError(
            f"column '{color}' has {len(values)} values, more than {MAX_SERIES} colours can tell apart: "
            "put it on --x, or add a --filter."
        )
    if color in SAMPLERS:
        return tuple(Series(value, value_text(value), sampler_look(value or "")) for value in values)
    looks = _sequential(len(values)) if is_number(color) and len(values) > 2 else _distinct(len(values))
    return tuple(Series(value, value_text(value), look) for value, look in zip(values, looks, strict=True))


def _sampler_order(name: str | None) -> tuple[int, str]:
    kinds = list(SAMPLER_LOOKS)
    kind = (name or "").partition(" ")[0]
    return kinds.index(kind) if kind in kinds else len(kinds), name or ""


def _distinct(count: int) -> list[Look]:
    return [series_look(index) for index in range(count)]


def _sequential(count: int) -> list[Look]:
    """From dark to light of cividis, which colour-blind readers and greyscale printers keep in order."""
    shades = [colormaps["cividis"](0.85 * index / (count - 1)) for index in range(count)]
    markers = [look.marker for look in SERIES]
    return [
        Look(to_hex(shade), markers[index % len(markers)], LINES[index % len(LINES)])
        for index, shade in enumerate(shades)
    ]
