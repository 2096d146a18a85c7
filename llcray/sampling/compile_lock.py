"""Lets one process of a machine compile a program, while the others wait for its entry in the cache of programs.

Workers that start together trace the same programs at the same time; without a lock each of them compiles all.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import jax

LOCKS = "locks"
MOST_SECONDS = 120.0
"""Longest wait; whoever waited that long compiles beside the holder of the lock, which may have been stopped."""
POLL_SECONDS = 0.02


@contextmanager
def lock_of(program: str) -> Iterator[None]:
    """Holds the lock of a program, as the text of its module, where processes share a folder of compiled programs.

    The kernel frees the lock of a process that dies. Nothing is locked where the folder is no local one, cannot be
    written, or knows no locks. There are 256 locks, so that their files need no cleaning.
    """
    descriptor = _open(hashlib.sha256(program.encode()).hexdigest()[:2])
    try:
        if descriptor is not None:
            _wait(descriptor)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open(name: str) -> int | None:
    """Opens the file of a lock; returns None where there is none."""
    folder = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    if not folder or "://" in folder or not jax.config.jax_enable_compilation_cache:  # pyright: ignore[reportAttributeAccessIssue]
        return None
    with suppress(OSError):
        place = Path(folder) / LOCKS
        place.mkdir(parents=True, exist_ok=True)
        return os.open(place / name, os.O_CREAT | os.O_RDWR, 0o666)
    return None


def _wait(descriptor: int) -> None:
    """Waits for a lock, `MOST_SECONDS` at most."""
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        return
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(POLL_SECONDS)
        except OSError:
            return
        else:
            return
