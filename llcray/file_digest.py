"""SHA-256 of files, once for each state of a file."""

import hashlib
from functools import lru_cache
from pathlib import Path


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex digits; remembered until its size or time of change differ."""
    status = path.stat()
    return _remembered(path, status.st_size, status.st_mtime_ns)


def digest_now(path: Path) -> str:
    """The same, of what the file holds at this moment."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=4096)
def _remembered(path: Path, size: int, changed: int) -> str:
    del size, changed
    return digest_now(path)
