"""Numbers written for people to read."""

import math
from typing import Any


def rounded(value: Any, digits: int | None = None) -> str:
    """A number with a fixed number of decimals, or four significant digits; `-` for none; thousands apart."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    if digits is None:
        return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    return f"{value:,.{digits}f}"


def plural(count: int, noun: str) -> str:
    """A count with its noun, as `1 run` or `2 runs`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
