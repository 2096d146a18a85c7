"""Drivers of a sweep and whether they live, told by beats: small files that each of them leaves in the dataset.

    _llcray/drivers/sweep=S/<holder>.<12 digits>       a beat; the newest of a holder counts

A *holder* is one driver of one sweep, named by a random id. It beats every `BEAT_SECONDS`, and is dead once its newest
beat is `EXPIRY_SECONDS` older than the asking holder's own: both ages are told by the storage's clock, since the clocks
of machines disagree. On the machine of the holder its death shows at once, by a locked file that the system unlocks.
"""

import contextlib
import fcntl
import glob
import math
import os
import platform
import secrets
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

from llcray_storage.errors import StorageError
from llcray_storage.store.layout import BEAT_FILE, Partition
from llcray_storage.store.objects import ObjectStore

BEAT_SECONDS = 15.0
EXPIRY_SECONDS = 120.0
"""Several beats, and the minute for which NFS may show an old listing of a folder."""
LOCK_KEPT_SECONDS = 3600.0
"""How long a dead holder's file stays: far longer than `EXPIRY_SECONDS`, after which its beats tell the same."""


class Holder:
    """A living driver of a sweep: beats in a thread of its own until it is closed."""

    def __init__(self, store: ObjectStore, partition: Partition, beat_seconds: float, expiry_seconds: float) -> None:
        """Beat for the first time, and start the thread.

        Raises:
            StorageError: The first beat cannot be written.
        """
        self.name = secrets.token_hex(8)
        self._store, self._folder = store, partition.drivers
        self._beat_seconds, self._expiry_seconds = beat_seconds, expiry_seconds
        _remove_old_locks()
        self._lock = _locked_file(self.name)
        self._number = 0
        self._closed = threading.Event()
        self._seen: dict[str, float] = {}
        self._met: dict[str, float] = {}
        self._last_look = -math.inf
        self._looking = threading.Lock()
        self._beat()
        self._thread = threading.Thread(target=self._go_on, name="beats", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop beating, and remove the last beat."""
        self._closed.set()
        self._thread.join(self._beat_seconds)
        with contextlib.suppress(StorageError):
            self._store.delete(self._key(self._number))
        if self._lock is not None:
            _lock_path(self.name).unlink(missing_ok=True)
            self._lock.close()

    def others(self) -> list[str]:
        """Return the names of the other living drivers.

        Raises:
            StorageError: Storage cannot be read.
        """
        self._look()
        return sorted(name for name in self._seen if name != self.name and self.is_alive(name))

    def is_alive(self, name: str) -> bool:
        """Whether a holder lives, as of a look at the beats that is `BEAT_SECONDS` old at most.

        A holder whose beats do not show is given the benefit of `EXPIRY_SECONDS`: a listing may be late.

        Raises:
            StorageError: Storage cannot be read.
        """
        self._look()
        if name == self.name:
            return True
        if _is_unlocked(name):
            return False
        if name in self._seen:
            return self._seen[self.name] - self._seen[name] < self._expiry_seconds
        return time.monotonic() - self._met.setdefault(name, time.monotonic()) < self._expiry_seconds

    def _look(self) -> None:
        with self._looking:
            if time.monotonic() - self._last_look < self._beat_seconds:
                return
            seen: dict[str, float] = {}
            for entry in self._store.entries(self._folder):
                if match := BEAT_FILE.fullmatch(entry.name):
                    seen[match[1]] = max(entry.modified, seen.get(match[1], entry.modified))
            # Where its own beats do not show, a holder cannot tell the age of others' and takes all for alive.
            seen.setdefault(self.name, min(seen.values(), default=0.0))
            self._seen, self._last_look = seen, time.monotonic()

    def _go_on(self) -> None:
        while not self._closed.wait(self._beat_seconds):
            # A beat that fails is made up for by the next; without beats others do what this driver does, no worse.
            with contextlib.suppress(StorageError):
                self._beat()

    def _beat(self) -> None:
        number = self._number + 1
        self._store.put_if_absent(self._key(number), socket.gethostname().encode())
        self._number = number
        if self._lock is not None:
            os.utime(self._lock.fileno())
        if number > 1:
            self._store.delete(self._key(number - 1))

    def _key(self, number: int) -> str:
        return f"{self._folder}/{self.name}.{number:012d}"


def _lock_path(name: str) -> Path:
    # Machines may share the folder, but not the lock.
    return Path(tempfile.gettempdir()) / f"llcray-driver-{platform.node()}-{name}.lock"


def _locked_file(name: str) -> IO[bytes] | None:
    """Open a new file and lock it for as long as this process lives; None where files cannot be locked."""
    path = _lock_path(name)
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644), "r+b")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None
    return file


def _remove_old_locks() -> None:
    """Remove the files of this machine's holders that have been dead for `LOCK_KEPT_SECONDS`."""
    for path in Path(tempfile.gettempdir()).glob(glob.escape(_lock_path("").stem) + "*.lock"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            if time.time() - path.stat().st_mtime > LOCK_KEPT_SECONDS:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _is_unlocked(name: str) -> bool:
    """Whether a holder of this machine has died; False also where nothing here tells."""
    try:
        with _lock_path(name).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
