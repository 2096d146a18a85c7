"""Folders of checkpoints: the digest that identifies their contents, and the base model of an adapter."""

import hashlib
import json
from pathlib import Path

from llcray.file_digest import file_digest
from llcray.full_path import full_path

ADAPTER = "adapter_config.json"
WEIGHTS = ("*.safetensors", "config.json", ADAPTER)


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
        base = full_path(named)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{folder / ADAPTER} names no base model ({error!r}). Save the adapter again.") from error
    if not (base / "config.json").is_file() or (base / ADAPTER).is_file():
        raise ValueError(
            f"{folder} holds an adapter of {str(named)[:200]!r}, which is no folder with a model here: put the "
            "model's folder there, or call merge_and_unload() and save the result with save_pretrained"
        )
    return base
