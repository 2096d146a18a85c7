"""Folders of checkpoints: the step that a name ends with, and the digest that identifies the contents."""

import hashlib
import json
import re
from pathlib import Path

from llcray.file_digest import file_digest

ADAPTER = "adapter_config.json"
WEIGHTS = ("*.safetensors", "config.json", ADAPTER)
STEP = re.compile(r"(\d+)$")


def step_of(name: str) -> int:
    """The number that ends the name of a folder or of a revision."""
    match = STEP.search(name)
    assert match is not None
    return int(match[1])


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and digests of a folder's weights and configuration, and of an adapter's base model."""
    files = sorted({file for pattern in WEIGHTS for file in folder.glob(pattern)})
    text = "".join(f"{file.name} {file_digest(file)}\n" for file in files)
    base = base_of(folder)
    text += "" if base is None else f"base {folder_digest(base)}\n"
    return hashlib.sha256(text.encode()).hexdigest()


def base_of(folder: Path) -> Path | None:
    """The folder of the model that a folder's adapter belongs to; None where the folder holds no adapter.

    Raises:
        ValueError: The adapter names no folder with a model.
    """
    if not (folder / ADAPTER).is_file():
        return None
    try:
        named = json.loads((folder / ADAPTER).read_text(encoding="utf-8-sig"))["base_model_name_or_path"]
        base = Path(named).expanduser().absolute()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{folder / ADAPTER} names no base model ({error!r}). Save the adapter again.") from error
    if not (base / "config.json").is_file() or (base / ADAPTER).is_file():
        raise ValueError(
            f"{folder} holds an adapter of {str(named)[:200]!r}, which is no folder with a model here: put the "
            "model's folder there, or call merge_and_unload() and save the result with save_pretrained"
        )
    return base
