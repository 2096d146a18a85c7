"""Adds up what a cluster costs, by the price on the label of each machine."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

PRICE_LABEL = "llcray.io/usd-per-hour"


def usd_per_hour(nodes: Sequence[Mapping[str, Any]]) -> float | None:
    """Sums the prices of the machines that are up, given as `ray.nodes()` lists them; None where no label says one."""
    prices = [price for node in nodes if node["Alive"] and (price := price_of(node)) is not None]
    return sum(prices) if prices else None


def price_of(node: Mapping[str, Any]) -> float | None:
    """Returns the price of one machine, dollars an hour; None where its label says none."""
    try:
        return float(node.get("Labels", {})[PRICE_LABEL])
    except (KeyError, ValueError):
        return None


class CostMeter:
    """Adds up what a cluster has cost since the first reading.

    Attributes:
        usd: Cost so far, dollars; None while no machine has said its price.
        usd_per_hour: Cost at the last reading, dollars an hour; None where no machine said its price.
    """

    def __init__(self) -> None:
        self.usd: float | None = None
        self.usd_per_hour: float | None = None
        self._read = time.monotonic()

    def read(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """Charges the time since the last reading at the price of that reading, then reads the price again."""
        now = time.monotonic()
        if self.usd_per_hour is not None:
            self.usd = (self.usd or 0.0) + self.usd_per_hour * (now - self._read) / 3600
        self._read, self.usd_per_hour = now, usd_per_hour(nodes)
        if self.usd_per_hour is not None:
            self.usd = self.usd or 0.0
