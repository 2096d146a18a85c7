"""Folders of checkpoints: the step that a name ends with, and the digest that identifies the contents."""

import hashlib
import re
from pathlib import Path

from llcray.file_digest import file_digest

WEIGHTS = ("*.safetensors", "config.json")
STEP = re.compile(r"(\d+)$")


def step_of(folder: Path) -> int:
    """The number that ends a folder's name."""
    match = STEP.search(folder.name)
    assert match is not None
    return int(match[1])


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and digests of a folder's weights and configuration."""
    files = sorted({file for pattern in WEIGHTS for file in folder.glob(pattern)})
    text = "".join(f"{file.name} {file_digest(file)}\n" for file in files)
    return hashlib.sha256(text.encode()).hexdigest()
