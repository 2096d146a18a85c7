"""Numbers written for people to read."""

import math
from typing import Any


def plus_minus(value: float | None, error: float | None) -> str:
    """A value and its error, both to the error's second digit: `21.34 ± 0.12`."""
    if value is None:
        return "-"
    if error is None or not math.isfinite(error) or error <= 0:
        return f"{value:.4g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def rounded(value: Any, digits: int | None = None) -> str:
    """A number with a fixed number of decimals, or four significant digits; `-` for none; thousands apart."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    if digits is None:
        return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    return f"{value:,.{digits}f}"
