"""Token sequences for language models from a `.npy`, Parquet or JSON lines file. No tokenizer is run."""

import codecs
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from llcray.data.user_file import UserFile
from llcray.variant import Count

if TYPE_CHECKING:
    import numpy as np

PADDING = -1
IGNORED = -100
"""The label that Hugging Face's losses leave out."""


class Tokens(UserFile):
    """Sequences of tokens, one sequence a row.

    Attributes:
        path: A `.npy` array (sequence, position) or one long stream (position,), which `length` cuts; a `.parquet` file
            with a list column; a `.jsonl` file whose lines are lists or objects with a list.
        column: Name of the list in Parquet and JSON lines. Beside it, tokens whose `attention_mask` is 0 are padding. A
            `labels` list may hold -100 where it agrees that there is padding; other positions that labels leave out
            are refused, since the loss is over all tokens of a sequence.
        length: Number of positions; longer sequences are cut, shorter ones padded with -1; null takes the longest.
            A file, too, may pad with -1 at the end of a sequence.
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
        if not len(rows):
            raise ValueError(f"{self.path} holds no sequence of tokens. Write one a row.")
        if self.num_data is not None and len(rows) < self.num_data:
            raise ValueError(f"{self.path} holds {len(rows)} sequences, fewer than num_data {self.num_data}. Lower it.")
        sequences = [_sequence(self.path, index, row) for index, row in enumerate(rows)]
        length = self.length or max(map(len, sequences))
        tokens = np.full((len(sequences), length), PADDING, np.int32)
        for sequence, values in zip(tokens, sequences, strict=True):
            sequence[: len(values)] = values[:length]
        return tokens

    def check(self) -> None:
        if self.path.is_file():
            self.load()


def _sequence(path: Path, index: int, row: Any) -> "np.ndarray":
    """The tokens of a sequence, without the padding at its end.

    Raises:
        ValueError: The row is no flat list of whole numbers from 0, with -1 as padding at its end alone.
    """
    import numpy as np

    values = np.asarray(row) if _is_flat(row) else None
    if values is not None and not len(values):
        return np.zeros(0, np.int32)
    if values is None or values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{path}: sequence {index} holds something else than whole numbers from 0. Write a flat list.")
    is_token = values != PADDING
    values = values[: len(values) - int(np.argmax(is_token[::-1])) if is_token.any() else 0]
    if len(values) and (values.min() < 0 or values.max() > np.iinfo(np.int32).max):
        raise ValueError(
            f"{path}: sequence {index} holds {values[(values < 0) | (values > np.iinfo(np.int32).max)][0]}; tokens are "
            f"whole numbers from 0, and {PADDING} pads the end of a sequence alone. Move padding there."
        )
    return values


def _is_flat(row: Any) -> bool:
    """Whether a row is an array, or a list of whole numbers alone."""
    import numpy as np

    is_list = isinstance(row, list) and all(isinstance(value, int) and not isinstance(value, bool) for value in row)
    return is_list or isinstance(row, np.ndarray)


def _read(path: Path, column: str, length: int | None) -> Sequence[Any]:
    if path.suffix.lower() == ".npy":
        return _read_npy(path, length)
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path, column)
    lines = list(_json_lines(path))
    named = [line for line in lines if isinstance(line, dict)]
    if lacking := [line for line in named if column not in line]:
        raise ValueError(f"{path} has lines without '{column}'; they have {', '.join(lacking[0])}. Name the `column`.")
    return [
        _attended(path, index, line[column], line.get("attention_mask"), line.get("labels"))
        if isinstance(line, dict)
        else line
        for index, line in enumerate(lines)
    ]


def _json_lines(path: Path) -> Iterator[Any]:
    """The values of the lines that are not blank.

    A line ends with a line feed alone; U+2028 and its like are text.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if not text.strip():
                continue
            try:
                yield json.loads(text)
            except (ValueError, RecursionError) as error:
                raise ValueError(
                    f"{path}, line {number}, is no JSON ({error}). Write a list or an object a line."
                ) from error


def _attended(path: Path, index: int, tokens: Any, mask: Any, labels: Any) -> Any:
    """The tokens that a model is to read: padding, by the mask beside them, becomes -1.

    Raises:
        ValueError: Mask or labels have another length, padding does not end the sequence, or labels leave out tokens
            that the mask keeps.
    """
    import numpy as np

    if (mask is None and labels is None) or not _is_flat(tokens):
        return tokens
    values = np.asarray(tokens)
    if mask is not None and (not _is_flat(mask) or len(mask) != len(values)):
        raise ValueError(
            f"{path}: the attention_mask of sequence {index} is not a 0 or 1 for each token. Write it anew."
        )
    kept = np.ones(len(values), bool) if mask is None else np.asarray(mask) != 0
    # Labels of another form, such as the class of a text, say nothing about single tokens.
    if _is_flat(labels) and len(labels) == len(values):
        ignored = np.asarray(labels) == IGNORED
        num_ignored_at_end = int(np.argmin(ignored[::-1])) if not ignored.all() else 0
        if mask is None and ignored.sum() == num_ignored_at_end:
            kept = ~ignored
        if (ignored & kept & (values != PADDING)).any():
            raise ValueError(
                f"{path}: sequence {index} has labels {IGNORED} at tokens that are no padding; the loss is over all "
                "tokens of a sequence. Leave the labels out, or give the loss as a target of kind: python."
            )
    if (np.diff(kept.astype(int)) > 0).any():
        raise ValueError(f"{path}: sequence {index} is padded at its start. Pad at its end (padding_side='right').")
    return np.where(kept, values, PADDING)


def _read_npy(path: Path, length: int | None) -> Any:
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(
            f"{path} cannot be read as .npy ({error}). Save it with numpy.save, as whole numbers."
        ) from error
    if array.ndim == 2:
        return array
    if array.ndim != 1 or length is None:
        raise ValueError(f"{path} has shape {array.shape}: give (sequence, position), or one stream and a `length`")
    return array[: len(array) // length * length].reshape(-1, length)


def _read_parquet(path: Path, column: str) -> list[Any]:
    import polars as pl

    try:
        table = pl.read_parquet(path, glob=False)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{path} cannot be read as Parquet ({error}). Write it again.") from error
    if column not in table.columns:
        raise ValueError(f"{path} has no column '{column}'; it has {', '.join(table.columns)}. Name the `column`.")
    beside = [
        table[name].to_list() if name in table.columns else [None] * len(table) for name in ("attention_mask", "labels")
    ]
    return [
        _attended(path, index, *lists) for index, lists in enumerate(zip(table[column].to_list(), *beside, strict=True))
    ]
