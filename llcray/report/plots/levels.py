"""Horizontal lines at numbers known from theory, each with its name at the right edge."""

import math
from typing import NamedTuple

from matplotlib.axes import Axes

from llcray.report.errors import ReportError

LEVEL_COLOR = "#1A1A1A"
NAME_SIZE = 6.5


class Level(NamedTuple):
    """A number of the y axis with its name."""

    value: float
    name: str


def parse_level(text: str) -> Level:
    """A level from VALUE or NAME=VALUE, the way it is written on a command line.

    Raises:
        ReportError: The value is no finite number.
    """
    name, _, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ReportError(f"--level {text}: '{number}' is no number: write VALUE or NAME=VALUE, such as 5-gon=7.")
    return Level(value, name.strip() or number.strip())


def draw_levels(axes: Axes, levels: tuple[Level, ...]) -> None:
    """Draw the lines, behind the estimates."""
    for value, name in levels:
        axes.axhline(value, color=LEVEL_COLOR, linestyle=(0, (5, 3)), linewidth=0.8, zorder=1.2)
        place = {"xytext": (-2, 1.5), "textcoords": "offset points", "ha": "right", "va": "bottom"}
        axes.annotate(name, (1, value), xycoords=("axes fraction", "data"), fontsize=NAME_SIZE, zorder=7, **place)
