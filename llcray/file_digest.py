"""Digests of files, computed once for each state of a file."""

import hashlib
from functools import lru_cache
from pathlib import Path


def file_digest(path: Path) -> str:
    """The SHA-256 of a file in hex digits, remembered until the file has another size or time of change."""
    status = path.stat()
    return _remembered(path, status.st_size, status.st_mtime_ns)


def digest_now(path: Path) -> str:
    """The SHA-256 of the bytes that a file holds at this moment, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=4096)
def _remembered(path: Path, size: int, changed: int) -> str:
    del size, changed
    return digest_now(path)
