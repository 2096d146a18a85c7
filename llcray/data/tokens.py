"""Token sequences for language models from a `.npy`, Parquet or JSON lines file. No tokenizer is run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from llcray.data.user_file import UserFile
from llcray.variant import Count

if TYPE_CHECKING:
    import numpy as np

PADDING = -1


class Tokens(UserFile):
    """Sequences of tokens, one sequence a row.

    Attributes:
        path: A `.npy` array (sequence, position) or one long stream (position,), which `length` cuts; a `.parquet` file
            with a list column; a `.jsonl` file whose lines are lists or objects with a list.
        column: Name of the list in Parquet and JSON lines.
        length: Number of positions; longer sequences are cut, shorter ones padded with -1; null takes the longest.
        num_data: Number of sequences, counted from the first; null takes all.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npy", ".parquet", ".jsonl")

    kind: Literal["tokens"] = "tokens"
    column: str = "input_ids"
    length: Annotated[int, Field(strict=True, ge=2)] | None = None
    num_data: Count | None = None

    def load(self) -> "np.ndarray":
        """Tokens (num_data, length), int32, padded with -1.

        Raises:
            ValueError: The file changed, has no such column, or holds something else than whole numbers from 0.
        """
        import numpy as np

        self.check_unchanged()
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
