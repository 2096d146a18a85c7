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


def check_as_given(path: Path, digest: str, given: str | None) -> None:
    """Refuses a file or folder whose digest is another one than a spec gives.

    Raises:
        ValueError: The digests differ.
    """
    if given not in (None, digest):
        raise ValueError(f"{path} has SHA-256 {digest}, not the {given} given: it has changed")


def check_as_planned(path: Path, digest: str, planned: str | None) -> None:
    """Refuses a file or folder that has changed since its spec was validated.

    Raises:
        ValueError: The digests differ.
    """
    if digest != planned:
        raise ValueError(f"{path} changed after the sweep was planned. Plan the sweep again.")


@lru_cache(maxsize=4096)
def _remembered(path: Path, size: int, changed: int) -> str:
    del size, changed
    return digest_now(path)
