"""Claims: which driver of a sweep does a run, so that several drivers share the work instead of repeating it.

    _llcray/claims/sweep=S/<run_id>.g<generation>.c<number>    the name of the holder that has taken the run

A claim is put if absent, so one holder gets it. Claim N+1 of a run counts in the place of claim N once the holder of
claim N is dead. A holder releases a claim after the run is committed, so whoever gets a claim and then finds no commit
is the only one who does the run.

Claims save work and guarantee nothing: a holder that is taken for dead costs a run done twice, and the commit decides
which counts. A claim that cannot be written is therefore no error.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.state.lookup import SegmentLookup
from llcray_storage.store.layout import Partition, checked_id
from llcray_storage.store.objects import ObjectStore
from llcray_storage.write.holders import BEAT_SECONDS, EXPIRY_SECONDS, Holder

MOST_AT_ONCE = 16
"""Requests to the storage at a time."""


class Taken(NamedTuple):
    """The answer to a wish for runs.

    Attributes:
        mine: Runs that are this driver's to do.
        held: Runs that another living driver has taken.
        committed: Runs that are in the dataset.
    """

    mine: frozenset[str]
    held: frozenset[str]
    committed: frozenset[str]


class Claims:
    """The claims of one driver of a sweep, which lives until they are closed."""

    def __init__(
        self,
        store: ObjectStore,
        partition: Partition,
        beat_seconds: float = BEAT_SECONDS,
        expiry_seconds: float = EXPIRY_SECONDS,
    ) -> None:
        """Make the driver known in the dataset.

        Args:
            store: Where the dataset is.
            partition: The sweep's partition.
            beat_seconds: Time between two signs of life.
            expiry_seconds: Age of a driver's last sign of life from which on its claims are void.

        Raises:
            StorageError: Storage cannot be written.
        """
        self._store, self._partition = store, partition
        self._lookup = SegmentLookup(store, partition)
        self._holder = Holder(store, partition, beat_seconds, expiry_seconds)
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, "claims")
        self._mine: dict[str, tuple[int, int]] = {}

    def take(self, generations: Mapping[str, int]) -> Taken:
        """Take the runs that no other living driver has, and that are not committed.

        Args:
            generations: The generation that is to be written of each run, by run id.

        Raises:
            StorageError: Storage cannot be read.
        """
        answers = self._threads.map(self._take, generations, generations.values())
        taken = dict(zip(generations, answers, strict=True))
        mine = {run_id: generations[run_id] for run_id, is_mine in taken.items() if is_mine}
        committed = self._committed(mine)
        self.release(committed)
        return Taken(frozenset(mine) - committed, frozenset(generations) - frozenset(mine), committed)

    def is_held(self, run_id: str, generation: int) -> bool:
        """Whether another living driver has taken a run.

        Raises:
            StorageError: Storage cannot be read.
        """
        number = 1
        while holder := self._holder_of(run_id, generation, number):
            if holder != self._holder.name and self._holder.is_alive(holder):
                return True
            number += 1
        return False

    def release(self, run_ids: Iterable[str]) -> None:
        """Give up runs, which are committed, or which another driver is to do."""
        keys = [
            key for run_id in run_ids if run_id in self._mine for key in self._keys(run_id, *self._mine.pop(run_id))
        ]
        with contextlib.suppress(StorageError):
            list(self._threads.map(self._store.delete, keys))

    def others(self) -> list[str]:
        """Return the names of the other living drivers of the sweep.

        Raises:
            StorageError: Storage cannot be read.
        """
        return self._holder.others()

    def close(self) -> None:
        """Release all runs, and leave."""
        self.release(list(self._mine))
        self._holder.close()
        self._threads.shutdown()

    def _take(self, run_id: str, generation: int) -> bool:
        if run_id in self._mine:
            return True
        number = 1
        try:
            while not self._store.put_if_absent(self._key(run_id, generation, number), self._holder.name.encode()):
                holder = self._holder_of(run_id, generation, number)
                if holder is None:  # released meanwhile
                    continue
                if self._holder.is_alive(holder):
                    return False
                number += 1
        except StorageError:
            return True
        self._mine[run_id] = (generation, number)
        return True

    def _holder_of(self, run_id: str, generation: int, number: int) -> str | None:
        try:
            return self._store.get(self._key(run_id, generation, number)).decode(errors="replace")
        except ObjectMissingError:
            return None

    def _committed(self, generations: Mapping[str, int]) -> frozenset[str]:
        """Return the runs of which this generation, or a later one, is in the dataset."""
        hot = dict(zip(generations, self._threads.map(self._is_hot, generations, generations.values()), strict=True))
        compacted = self._lookup.find_all([run_id for run_id, is_hot in hot.items() if not is_hot])
        later = {run_id for run_id, known in compacted.items() if known.generation >= generations[run_id]}
        return frozenset(later | {run_id for run_id, is_hot in hot.items() if is_hot})

    def _is_hot(self, run_id: str, generation: int) -> bool:
        return self._store.exists(self._partition.commit_path(run_id, generation))

    def _keys(self, run_id: str, generation: int, number: int) -> list[str]:
        """Return the paths of a claim and of those that it took the place of, the oldest first."""
        return [self._key(run_id, generation, each) for each in range(1, number + 1)]

    def _key(self, run_id: str, generation: int, number: int) -> str:
        return f"{self._partition.claims}/{checked_id(run_id)}.g{generation}.c{number}"


def drop_claims(store: ObjectStore, partition: Partition, is_old: Callable[[float], bool]) -> int:
    """Remove what drivers that are long dead have left of a sweep; returns how many files.

    Args:
        store: Where the dataset is.
        partition: The sweep's partition.
        is_old: Whether a file of this time (seconds since the epoch, storage's clock) is to go.
    """
    # A claim without beats of its holder holds for a while, so claims go first.
    old = [
        f"{folder}/{entry.name}"
        for folder in (partition.claims, partition.drivers)
        for entry in store.entries(folder)
        if is_old(entry.modified)
    ]
    for key in old:
        store.delete(key)
    return len(old)
