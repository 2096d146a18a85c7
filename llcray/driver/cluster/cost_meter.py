"""What a cluster costs, by the price that each machine's label says."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

PRICE_LABEL = "llcray.io/usd-per-hour"


def usd_per_hour(nodes: Sequence[Mapping[str, Any]]) -> float | None:
    """Sum over the machines that are up, as `ray.nodes()` has them; None where no label says a price."""
    prices = [price for node in nodes if node["Alive"] and (price := price_of(node)) is not None]
    return sum(prices) if prices else None


def price_of(node: Mapping[str, Any]) -> float | None:
    """Of one machine, dollars an hour; None where its label says none."""
    try:
        return float(node.get("Labels", {})[PRICE_LABEL])
    except (KeyError, ValueError):
        return None


class Meter:
    """Adds up what a cluster has cost while it was watched.

    Attributes:
        usd: So far; None while no machine has said a price.
        usd_per_hour: Now.
    """

    def __init__(self) -> None:
        """Nothing watched yet."""
        self.usd: float | None = None
        self.usd_per_hour: float | None = None
        self._read = time.monotonic()

    def read(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """Charges the time since the last reading at the price of then."""
        now = time.monotonic()
        if self.usd_per_hour is not None:
            self.usd = (self.usd or 0.0) + self.usd_per_hour * (now - self._read) / 3600
        self._read, self.usd_per_hour = now, usd_per_hour(nodes)
        if self.usd_per_hour is not None:
            self.usd = self.usd or 0.0
