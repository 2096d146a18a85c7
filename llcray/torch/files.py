"""Files of targets whose loss is a traced one. PyTorch is not needed."""

import secrets
from pathlib import Path

from llcray.aten.file import read_file, write_file
from llcray.targets.target import Target
from llcray.targets.torch.build import target_of, traced_of


def save(target: Target, path: str | Path) -> Path:
    """Writes a target of `llcray.torch` to a file: the graph of its loss, parameters, buffers and data.

    The file replaces an older one at once, and its bytes, by their SHA-256, are the identity of `kind: torch` targets.

    Returns:
        The path.

    Raises:
        TorchLossError: The target's loss is not one that `llcray.torch` traced.
    """
    path = Path(path)
    traced = traced_of(target)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    unfinished.touch()  # with the rights that others have here; safetensors alone would keep the file to its owner
    try:
        write_file(traced, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def load(path: str | Path) -> Target:
    """The target of a file that `save` wrote.

    Raises:
        TorchLossError: The file is no such file, is damaged, or needs a newer llcray.
    """
    return target_of(read_file(Path(path)))
