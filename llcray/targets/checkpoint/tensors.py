"""Tensors of a checkpoint on disk, read one at a time: a safetensors file, a Hugging Face folder, a stored target."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
TRAINER_STATE = "trainer_state.json"
PARAMS = "params/"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk, with the file of each of its tensors.

    Attributes:
        path: File or folder, as given.
        files: File of every tensor.
        stored_names: Name of every tensor in its file.
        steps: Optimiser steps, where a trainer noted them.
        learning_rate: The largest learning rate a trainer noted.
    """

    path: Path
    files: Mapping[str, Path]
    stored_names: Mapping[str, str]
    steps: int | None = None
    learning_rate: float | None = None

    @property
    def names(self) -> list[str]:
        """Names of the tensors, sorted."""
        return sorted(self.files)

    def storage_type(self, name: str) -> str:
        """The type that a tensor is stored in, as safetensors calls it: F32, BF16, I8, F8_E4M3."""
        from safetensors import safe_open

        with safe_open(self.files[name], framework="numpy") as file:
            return file.get_slice(self.stored_names[name]).get_dtype()

    def read(self, name: str) -> np.ndarray:
        """One tensor in the type it is stored in."""
        from safetensors import safe_open

        import_ml_dtypes()
        with safe_open(self.files[name], framework="numpy") as file:
            return file.get_tensor(self.stored_names[name])


def import_ml_dtypes() -> None:
    """Registers bfloat16 and its like with NumPy."""
    import ml_dtypes  # noqa: F401


def open_checkpoint(path: str | Path) -> Checkpoint:
    """Opens a safetensors file, a folder of them (sharded or not), or a stored target of a dataset.

    Of a stored target the parameters count, its data do not.

    Raises:
        ValueError: There is nothing to read there.
    """
    path = Path(path)
    files = _files_of(path)
    where: dict[str, Path] = {}
    for file in files:
        for name in _names(file):
            if name in where:
                raise ValueError(
                    f"{path} holds {name} in {where[name].name} and in {file.name}. Leave one model in the folder."
                )
            where[name] = file
    if any(name.startswith(PARAMS) for name in where):
        where = {name: file for name, file in where.items() if name.startswith(PARAMS)}
    stored = {name.removeprefix(PARAMS): name for name in where}
    steps, learning_rate = _trainer_notes(path)
    return Checkpoint(path, {name: where[own] for name, own in stored.items()}, stored, steps, learning_rate)


def _files_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ValueError(f"there is no checkpoint {path}: give a .safetensors file or a folder that holds one")
    if (path / INDEX).is_file():
        files = sorted({path / shard for shard in _shards(path / INDEX)})
        missing = [str(file.name) for file in files if not file.is_file()]
        if missing:
            raise ValueError(f"{path} lacks {', '.join(missing)}, which its {INDEX} lists. Copy all shards.")
        return files
    if (path / WHOLE).is_file():
        return [path / WHOLE]
    files = sorted(path.glob("*.safetensors"))
    if not files:
        held = ", ".join(sorted(file.name for file in path.iterdir())[:8]) or "nothing"
        raise ValueError(f"{path} holds no .safetensors file (it holds {held}). Save the model with safetensors.")
    return files


def _shards(index: Path) -> list[str]:
    """The files that an index lists, all of them in its folder."""
    try:
        shards = list(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{index} holds no weight_map of tensors to files ({error!r}). Copy it again.") from error
    for shard in shards:
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise ValueError(f"{index} names {shard!r}, which is no file of its folder. Copy it again.")
    return shards


def _names(file: Path) -> Iterator[str]:
    from safetensors import SafetensorError, safe_open

    import_ml_dtypes()
    try:
        with safe_open(file, framework="numpy") as opened:
            yield from opened.keys()
    except SafetensorError as error:
        raise ValueError(f"{file} is not a whole safetensors file ({error}). Copy it again.") from error


def _trainer_notes(path: Path) -> tuple[int | None, float | None]:
    """Steps and learning rate from the state that Hugging Face's trainers leave beside a checkpoint."""
    file = path / TRAINER_STATE if path.is_dir() else path.parent / TRAINER_STATE
    if not file.is_file():
        return None, None
    state = json.loads(file.read_text(encoding="utf-8"))
    rates = [entry["learning_rate"] for entry in state.get("log_history", []) if "learning_rate" in entry]
    return state.get("global_step"), max(rates, default=None)
