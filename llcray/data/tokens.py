"""Token sequences from a file: `.npy`, Parquet or JSON lines. For language models; no tokenizer is run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from llcray.components.digest import file_digest
from llcray.variant import Count, Variant

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".npy", ".parquet", ".jsonl")
PADDING = -1


class Tokens(Variant):
    """Sequences of tokens, one a row. The bytes of the file enter the target's id, its place does not.

    Attributes:
        path: A `.npy` array (sequence, position) or one long stream (position,), which `length` cuts; a `.parquet` file
            with a list column; a `.jsonl` file whose lines are lists or objects with a list.
        column: Name of the list in Parquet and JSON lines.
        length: Positions: longer sequences are cut, shorter ones padded with -1; null takes the longest.
        num_data: Sequences, the first so many; null takes all.
        sha256: Digest of the file, filled in when the spec is validated; given, the file must match it.
    """

    kind: Literal["tokens"] = "tokens"
    path: Annotated[Path, Field(exclude=True)]
    column: str = "input_ids"
    length: Annotated[int, Field(strict=True, ge=2)] | None = None
    num_data: Count | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None

    @field_validator("path")
    @classmethod
    def _check_the_suffix(cls, value: Path) -> Path:
        if value.suffix not in SUFFIXES:
            raise ValueError(f"{value} ends in none of {', '.join(SUFFIXES)}: convert it to one of these")
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _fill_in_the_digest(self) -> Self:
        if not self.path.is_file():
            if self.sha256 is None:
                raise ValueError(f"there is no file {self.path}: give a path from the folder you run in, or a full one")
            return self
        digest = file_digest(self.path)
        if self.sha256 not in (None, digest):
            raise ValueError(f"{self.path} has SHA-256 {digest}, not the {self.sha256} given: it has changed")
        object.__setattr__(self, "sha256", digest)
        return self

    def load(self) -> "np.ndarray":
        """Tokens (num_data, length), int32, padded with -1.

        Raises:
            ValueError: The file changed, has no such column, or holds something else than whole numbers from 0.
        """
        import numpy as np

        if file_digest(self.path) != self.sha256:
            raise ValueError(f"{self.path} changed after the sweep was planned. Plan the sweep again.")
        rows = _read(self.path, self.column, self.length)[: self.num_data]
        if self.num_data is not None and len(rows) < self.num_data:
            raise ValueError(f"{self.path} holds {len(rows)} sequences, fewer than num_data {self.num_data}. Lower it.")
        length = self.length or max((len(row) for row in rows), default=0)
        tokens = np.full((len(rows), length), PADDING, np.int32)
        for index, row in enumerate(rows):
            values = np.asarray(row[:length])
            if not np.issubdtype(values.dtype, np.integer) or (values.size and values.min() < 0):
                raise ValueError(f"{self.path}: sequence {index} holds something else than whole numbers from 0")
            tokens[index, : len(values)] = values
        return tokens


def _read(path: Path, column: str, length: int | None) -> Sequence[Any]:
    if path.suffix == ".npy":
        return _read_npy(path, length)
    if path.suffix == ".parquet":
        return _read_parquet(path, column)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    named = [line for line in lines if isinstance(line, dict)]
    if lacking := [line for line in named if column not in line]:
        raise ValueError(f"{path} has lines without '{column}'; they have {', '.join(lacking[0])}. Name the `column`.")
    return [line[column] if isinstance(line, dict) else line for line in lines]


def _read_npy(path: Path, length: int | None) -> Any:
    import numpy as np

    array = np.load(path, allow_pickle=False)
    if array.ndim == 2:
        return array
    if array.ndim != 1 or length is None:
        raise ValueError(f"{path} has shape {array.shape}: give (sequence, position), or one stream and a `length`")
    return array[: len(array) // length * length].reshape(-1, length)


def _read_parquet(path: Path, column: str) -> list[Any]:
    import polars as pl

    schema = pl.read_parquet_schema(path)
    if column not in schema:
        raise ValueError(f"{path} has no column '{column}'; it has {', '.join(schema)}. Name the `column`.")
    return pl.read_parquet(path, columns=[column])[column].to_list()
