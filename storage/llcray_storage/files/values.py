"""Converts Python and NumPy values to the types of their columns; what does not fit is refused before any write.

NaN in a number column is stored as null, so that readers' means and sorts are right; infinity stays. Series keep their
NaN.
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
    """Check and convert a row; the result has every column of the table.

    Raises:
        StorageError: The row has an unknown column, a wrong type, a number out of range or a missing required value.
    """
    table.refuse_unknown(row)
    table.refuse_missing(row)
    return {column.name: _stored_value(table, column, row.get(column.name)) for column in table.columns}


def _stored_value(table: Table, column: Column, value: Any) -> Any:
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
            f"it holds {_type_in_words(column.type)}. Convert the value, or change the schema and its version."
        )
    converted = column.earlier.get(converted, converted) if column.earlier else converted
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
        return _list_of(str, value)
    if kind.equals(WHOLES):
        return _list_of(int, value)
    if kind.equals(REALS):
        return _list_of(float, value)
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


def _list_of(kind: type, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str) or not isinstance(value, Sequence):
        return _REFUSED
    fits = [_is_int64(item) if kind is int else isinstance(item, kind) for item in value]
    return list(value) if all(fits) else _REFUSED


def _series(table: Table, column: Column, value: Any) -> np.ndarray:
    given = np.asarray(value)
    if given.dtype.kind not in "fiu":
        raise StorageError(
            f"column '{column.name}' of '{table.name}' got an array of {given.dtype}: it holds float32. Convert it."
        )
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(given, dtype=np.float32).reshape(-1)
    overflowed = np.isinf(stored) & np.isfinite(given.reshape(-1))
    if overflowed.any():
        first = int(np.argmax(overflowed))
        raise StorageError(
            f"column '{column.name}' of '{table.name}' got {given.reshape(-1)[first]!r} at draw {first}: "
            "float32 cannot hold it. Store NaN and mark the chain failed, or rescale."
        )
    return stored


def _type_in_words(kind: pa.DataType) -> str:
    names = {TEXT: "text", FLAG: "true or false", WHOLE: "64-bit integers", REAL: "numbers"}
    names |= {
        TIME: "times with a time zone",
        TEXTS: "lists of text",
        WHOLES: "lists of integers",
        REALS: "lists of numbers",
    }
    return names[kind]
