"""The part of a tracker that callbacks need."""

from typing import Any, Protocol


class Tracks(Protocol):
    """An `LLCTracker` or a `RemoteTracker`."""

    def track(self, step: int, params: Any, batch_source: Any) -> Any:
        """Estimates the LLC of a model where the step is due."""
        ...
