"""Values as the page's JSON holds them."""

import math
from collections.abc import Sequence
from typing import Any

SIGNIFICANT_DIGITS = 6


def plain(value: Any) -> Any:
    """A value for JSON: numbers to six digits, null for what is not finite, also inside lists."""
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row with every value plain."""
    return {name: plain(value) for name, value in row.items()}
