"""Keeps an unfinished run in its dataset every few minutes, so that no more than those are lost with a worker."""

import time

from llcray_storage import Dataset

SECONDS_BETWEEN = 180.0


class DatasetKeeper:
    """Keeps one unfinished run in its dataset (`llcray.sampling.progress.Keeper`)."""

    def __init__(self, dataset: Dataset, run_id: str) -> None:
        self._dataset, self._run_id = dataset, run_id
        self._last = time.monotonic()  # nothing is kept before SECONDS_BETWEEN: most runs are done by then
        self._is_kept = False

    def load(self) -> bytes | None:
        data = self._dataset.load_unfinished(self._run_id)
        self._is_kept = data is not None
        return data

    def is_due(self) -> bool:
        return time.monotonic() - self._last >= SECONDS_BETWEEN

    def save(self, data: bytes) -> None:
        self._dataset.keep_unfinished(self._run_id, data)
        self._is_kept = True
        self._last = time.monotonic()

    def drop(self) -> None:
        """Deletes what was kept, once the run is committed."""
        if self._is_kept:
            self._dataset.drop_unfinished(self._run_id)
