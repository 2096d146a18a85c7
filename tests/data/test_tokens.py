"""Token files as tokenizers, trainers and other programs write them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from llcray.data.tokens import Tokens

READ: dict[str, tuple[str | bytes | np.ndarray, list[list[int]]]] = {
    "padding in .npy": (np.array([[3, 4, 5], [6, 7, -1]]), [[3, 4, 5], [6, 7, -1]]),
    "unsigned .npy": (np.array([[3, 4]], np.uint16), [[3, 4]]),
    "a list a line": ("[3, 4, 5]\n\n[6, 7]\n", [[3, 4, 5], [6, 7, -1]]),
    "CRLF": ("[3, 4]\r\n[6, 7]\r\n", [[3, 4], [6, 7]]),
    "a byte order mark": (b"\xef\xbb\xbf[3, 4]\n", [[3, 4]]),
    "a line separator within a text": ('{"text": "a\u2028b\u0085c", "input_ids": [3, 4]}\n', [[3, 4]]),
    "a mask": ('{"input_ids": [3, 4, 0], "attention_mask": [1, 1, 0]}\n', [[3, 4]]),
    "a mask and labels": (
        '{"input_ids": [3, 4, 0], "attention_mask": [1, 1, 0], "labels": [3, 4, -100]}\n',
        [[3, 4]],
    ),
    "labels alone": (
        '{"input_ids": [3, 4, 0], "labels": [3, 4, -100]}\n{"input_ids": [5, 6, 7]}\n',
        [[3, 4, -1], [5, 6, 7]],
    ),
    "a class of the text": ('{"input_ids": [3, 4], "labels": 1}\n', [[3, 4]]),
    "labels of another length": ('{"input_ids": [3, 4], "labels": [7, -100, 8]}\n', [[3, 4]]),
}
REFUSED: dict[str, tuple[str | bytes | np.ndarray, str]] = {
    "padding at the start of .npy": (np.array([[-1, 3, 4]]), "pads the end of a sequence alone"),
    "fractions": (np.array([[1.5, 2.0]]), "whole numbers from 0"),
    "Booleans": (np.array([[True, False]]), "whole numbers from 0"),
    "objects": (np.array([[1], [2, 3]], object), "cannot be read as .npy"),
    "three axes": (np.zeros((2, 3, 4), int), "has shape"),
    "a number beyond int32": (np.array([[2**40, 1]]), "holds 1099511627776"),
    "no JSON": ("[3, 4]\n{oops\n", "line 2, is no JSON"),
    "deep JSON": ("[" * 100_000 + "\n", "line 1, is no JSON"),
    "a null among tokens": ("[3, null, 4]\n", "sequence 0 holds something else"),
    "no sequence at all": ("null\n", "sequence 0 holds something else"),
    "a ragged nest": ("[[3, 4], [5]]\n", "sequence 0 holds something else"),
    "a text": ('{"input_ids": "3 4"}\n', "sequence 0 holds something else"),
    "a missing column": ('{"tokens": [3]}\n', "lines without 'input_ids'"),
    "padding on the left": ('{"input_ids": [0, 3, 4], "attention_mask": [0, 1, 1]}\n', "padding_side='right'"),
    "a mask of another length": ('{"input_ids": [3, 4], "attention_mask": [1]}\n', "attention_mask of sequence 0"),
    "labels that leave out a prompt": ('{"input_ids": [3, 4, 5], "labels": [-100, 4, 5]}\n', "labels -100 at tokens"),
    "an empty file": ("", "holds no sequence"),
}


def written(content: str | bytes | np.ndarray, folder: Path) -> Path:
    if isinstance(content, np.ndarray):
        np.save(folder / "t.npy", content, allow_pickle=True)
        return folder / "t.npy"
    path = folder / "t.jsonl"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("name", READ)
def test_a_token_file_is_read_with_its_padding(name: str, tmp_path: Path) -> None:
    content, expected = READ[name]
    tokens = Tokens(path=written(content, tmp_path))
    tokens.check()
    np.testing.assert_array_equal(tokens.load(), np.array(expected, np.int32))


@pytest.mark.parametrize("name", REFUSED)
def test_a_token_file_that_cannot_be_read_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    with pytest.raises(ValueError, match=message) as error:
        Tokens(path=written(content, tmp_path)).check()
    assert "\n" not in str(error.value) and "/t." in str(error.value)


@pytest.mark.parametrize("folder", ["plain", "with [1] *?"])
def test_masks_beside_a_parquet_column_are_padding_and_a_path_is_no_pattern(folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    path = tmp_path / folder / "t.parquet"
    rows: dict[str, Any] = {"input_ids": [[3, 4, 0], [5, 6, 7]], "attention_mask": [[1, 1, 0], [1, 1, 1]]}
    pl.DataFrame(rows).write_parquet(path)
    assert Tokens(path=path).load().tolist() == [[3, 4, -1], [5, 6, 7]]


def test_padding_does_not_lengthen_sequences(tmp_path: Path) -> None:
    lines = [
        {"input_ids": [3, 4, 5], "attention_mask": [1, 1, 1]},
        {"input_ids": [6, 0, 0], "attention_mask": [1, 0, 0]},
    ]
    path = written("\n".join(map(json.dumps, lines)), tmp_path)
    assert Tokens(path=path, length=2).load().tolist() == [[3, 4], [6, -1]]
    assert Tokens(path=path, length=5).load().tolist() == [[3, 4, 5, -1, -1], [6, -1, -1, -1, -1]]
