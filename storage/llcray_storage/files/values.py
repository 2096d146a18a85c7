"""From what a caller has (Python and NumPy values) to what a column holds; drift is refused before anything is written.

NaN in a number column is stored as null, so that means and sorts of readers stay right; infinity stays. Series keep
their NaN.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from llcray_storage.errors import StorageError
from llcray_storage.schema.column import FLAG, REAL, REALS, SERIES, TEXT, TEXTS, TIME, WHOLE, WHOLES, Column
from llcray_storage.schema.tables import Table

INT64 = np.iinfo(np.int64)


def stored_row(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as it will be stored: every column of the table, checked and converted.

    Raises:
        StorageError: An unknown column, a wrong type, a number out of range, a missing required value.
    """
    table.refuse_unknown(row)
    table.refuse_missing(row)
    return {column.name: _stored(table, column, row.get(column.name)) for column in table.columns}


def _stored(table: Table, column: Column, value: Any) -> Any:
    if value is None:
        return None
    if column.type.equals(SERIES):
        return _series(table, column, value)
    if isinstance(value, np.generic) or (hasattr(value, "item") and getattr(value, "ndim", None) == 0):
        value = value.item()
    converted = _convert(column.type, value)
    if converted is _REFUSED:
        raise StorageError(
            f"column '{column.name}' of '{table.name}' got {value!r} of type {type(value).__name__}: "
            f"it holds {_spoken(column.type)}. Convert the value, or change the schema and its version."
        )
    if column.choices and converted not in column.choices:
        raise StorageError(
            f"column '{column.name}' of '{table.name}' got {value!r}: it is one of {', '.join(column.choices)}."
        )
    return converted


_REFUSED = object()


def _convert(kind: pa.DataType, value: Any) -> Any:
    if kind.equals(TEXT):
        return value if isinstance(value, str) else _REFUSED
    if kind.equals(FLAG):
        return value if isinstance(value, bool) else _REFUSED
    if kind.equals(WHOLE):
        return value if _is_int64(value) else _REFUSED
    if kind.equals(REAL):
        return _real(value)
    if kind.equals(TIME):
        return _time(value)
    if kind.equals(TEXTS):
        return _each(value, str)
    if kind.equals(WHOLES):
        return _each(value, int)
    if kind.equals(REALS):
        return _each(value, float)
    raise AssertionError(f"no conversion for {kind}")


def _is_int64(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and INT64.min <= value <= INT64.max


def _real(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _REFUSED
    return None if math.isnan(value) else float(value)


def _time(value: Any) -> Any:
    if not isinstance(value, datetime) or value.tzinfo is None:
        return _REFUSED
    return value.astimezone(UTC)


def _each(value: Any, kind: type) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str) or not isinstance(value, Sequence):
        return _REFUSED
    right = [_is_int64(item) if kind is int else isinstance(item, kind) for item in value]
    return list(value) if all(right) else _REFUSED


def _series(table: Table, column: Column, value: Any) -> np.ndarray:
    wide = np.asarray(value)
    if wide.dtype.kind not in "fiu":
        raise StorageError(
            f"column '{column.name}' of '{table.name}' got an array of {wide.dtype}: it holds float32. Convert it."
        )
    with np.errstate(over="ignore"):
        narrow = np.ascontiguousarray(wide, dtype=np.float32).reshape(-1)
    overflowed = np.isinf(narrow) & np.isfinite(wide.reshape(-1))
    if overflowed.any():
        first = int(np.argmax(overflowed))
        raise StorageError(
            f"column '{column.name}' of '{table.name}' got {wide.reshape(-1)[first]!r} at draw {first}: "
            "float32 cannot hold it. Store NaN and mark the chain failed, or rescale."
        )
    return narrow


def _spoken(kind: pa.DataType) -> str:
    names = {TEXT: "text", FLAG: "true or false", WHOLE: "64-bit integers", REAL: "numbers"}
    names |= {
        TIME: "times with a time zone",
        TEXTS: "lists of text",
        WHOLES: "lists of integers",
        REALS: "lists of numbers",
    }
    return names[kind]
