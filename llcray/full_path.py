"""Paths as users write them, from the root."""

import os
from pathlib import Path


def full_path(path: str | Path) -> Path:
    """A path from the root, with the home folder for `~`; `~name` of an unknown user stays as it is, as in a shell."""
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111  (the method raises for unknown users)
