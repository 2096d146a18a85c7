"""Gives Ray Tune the trials that are still to start, without the runs that other drivers do."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from llcray.driver.trials.sharing import Sharing


class TrialQueue(Searcher):
    """Gives out trials in order, until all are given out or the queue is closed.

    Attributes:
        is_closed: Whether no more trials are given out.
    """

    def __init__(self, indices: Sequence[int], attempt: int, sharing: Sharing) -> None:
        """Queues trials.

        Args:
            indices: Indices of the trials in the plan, in the order in which they start.
            attempt: Attempt that each trial starts at; above 0 when some of their runs may be done already.
            sharing: Tells which runs of a trial are this driver's to do.
        """
        super().__init__()
        self._left = deque(indices)
        self._put_off: deque[int] = deque()
        self._sharing = sharing
        self._attempt = attempt
        self.is_closed = False

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune stores its searcher for a later restore, which the dataset makes needless.

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        return True  # none of them matters: the trials are known

    def suggest(self, trial_id: str) -> Any:
        while not self.is_closed and (self._left or self._put_off):
            if self._left:
                index = self._left.popleft()
                share = self._sharing.take_if_untouched(index)
            else:
                index = self._put_off.popleft()
                share = self._sharing.take(index)
            if share == "later":
                self._put_off.append(index)
            elif share is not None:
                return {"index": index, "attempt": self._attempt, "run_ids": [run.run_id for run in share.runs]}
        return Searcher.FINISHED

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Does nothing: the dataset knows what is done."""

    def save(self, checkpoint_path: str) -> None:
        """Writes an empty file, since Tune wants one; the dataset knows what is done."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Does nothing: there is nothing in the file."""
