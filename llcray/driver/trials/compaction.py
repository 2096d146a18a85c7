"""Compacts the dataset while a sweep goes on, so that readers and file systems do not meet a file for every run."""

import contextlib

import ray
from llcray_storage import Dataset, StorageError
from llcray_storage.maintain.compact import DUE_FILES

from llcray.driver.progress.tracker import Tracker

MOST_SECONDS = 60.0


class Compactor:
    """Compacts a sweep's runs each time that this driver's workers have committed as many as are due.

    A task of Ray's compacts, in a process of its own: the driver neither waits nor holds the rows in its memory. A task
    that dies has changed nothing that counts, and the next one does its work.
    """

    def __init__(self, root: str, tracker: Tracker, due_files: int = DUE_FILES) -> None:
        """Starts no task yet.

        Args:
            root: Root of the dataset as workers need it.
            tracker: How far the sweep is.
            due_files: Runs after which to compact.
        """
        self._root, self._tracker, self._due_files = root, tracker, due_files
        self._num_seen = 0
        self._task: ray.ObjectRef | None = None

    def tick(self) -> None:
        """Starts a task if enough runs have been committed and no task is under way."""
        num_own = len(self._tracker.finished) - len(self._tracker.elsewhere)
        if num_own - self._num_seen < self._due_files or self.is_busy:
            return
        self._num_seen = num_own
        self._task = _compact.remote(self._root, self._tracker.sweep, self._due_files)

    @property
    def is_busy(self) -> bool:
        """Whether a task is under way."""
        return self._task is not None and not ray.wait([self._task], timeout=0)[0]

    def close(self) -> None:
        """Waits for the task under way, `MOST_SECONDS` at most: its work is lost when Ray ends."""
        if self._task is not None:
            ray.wait([self._task], timeout=MOST_SECONDS)


@ray.remote(num_cpus=0, max_retries=0)
def _compact(root: str, sweep: str, due_files: int) -> None:
    with contextlib.suppress(StorageError):  # The trials will tell if the storage is gone.
        Dataset.open(root).compact_if_due(sweep, due_files)
