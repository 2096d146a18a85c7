"""Gives Ray Tune the trials that are still to start."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher


class TrialQueue(Searcher):
    """Gives out trials in order, until all are given out or the queue is closed.

    Attributes:
        is_closed: Whether no more trials are given out.
    """

    def __init__(self, indices: Sequence[int], attempt: int) -> None:
        """Queues trials.

        Args:
            indices: Indices of the trials in the plan, in the order in which they start.
            attempt: Attempt that each trial starts at; above 0 when some of their runs may be done already.
        """
        super().__init__()
        self._left = deque(indices)
        self._attempt = attempt
        self.is_closed = False

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        return True  # none of them matters: the trials are known

    def suggest(self, trial_id: str) -> Any:
        if self.is_closed or not self._left:
            return Searcher.FINISHED
        return {"index": self._left.popleft(), "attempt": self._attempt}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Does nothing: the dataset knows what is done."""

    def save(self, checkpoint_path: str) -> None:
        """Writes an empty file, since Tune wants one; the dataset knows what is done."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Does nothing: there is nothing in the file."""
