"""Keeps an unfinished run in its dataset every few minutes, so that no more than those are lost with a worker."""

import time

from llcray_storage import Dataset

SECONDS_BETWEEN = 180.0


class DatasetKeeper:
    """Of one run."""

    def __init__(self, dataset: Dataset, run_id: str) -> None:
        """Nothing is kept before `SECONDS_BETWEEN`: most runs are done by then."""
        self._dataset, self._run_id = dataset, run_id
        self._last = time.monotonic()
        self._is_kept = False

    def load(self) -> bytes | None:
        """What an earlier worker kept."""
        data = self._dataset.load_unfinished(self._run_id)
        self._is_kept = data is not None
        return data

    def is_due(self) -> bool:
        """Whether it is time to keep what there is."""
        return time.monotonic() - self._last >= SECONDS_BETWEEN

    def save(self, data: bytes) -> None:
        """Keeps it."""
        self._dataset.keep_unfinished(self._run_id, data)
        self._is_kept = True
        self._last = time.monotonic()

    def drop(self) -> None:
        """Forgets what was kept: the run is committed."""
        if self._is_kept:
            self._dataset.drop_unfinished(self._run_id)
