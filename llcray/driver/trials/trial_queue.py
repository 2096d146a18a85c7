"""The trials still to start, as Ray Tune asks for them."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher


class TrialQueue(Searcher):
    """Gives out trials in order, until all are out or it is closed.

    Attributes:
        is_closed: Whether no more trials are given out.
    """

    def __init__(self, indices: Sequence[int], attempt: int) -> None:
        """Nothing given out yet.

        Args:
            indices: Places of the trials in the plan.
            attempt: Of each trial; above 0 when some of their runs may be done.
        """
        super().__init__()
        self._left = deque(indices)
        self._attempt = attempt
        self.is_closed = False

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        """Takes no notice: what is to be tried is known."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """The next trial's config."""
        if self.is_closed or not self._left:
            return Searcher.FINISHED
        return {"index": self._left.popleft(), "attempt": self._attempt}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: the dataset remembers."""

    def save(self, checkpoint_path: str) -> None:
        """An empty file, since Tune wants one: the dataset remembers."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Nothing."""
