"""Reading of inputs and labels from `.npz`, Parquet and CSV files."""

from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from llcray.data.delimited import read_delimited

if TYPE_CHECKING:
    import polars as pl

ROW_NUMBERS = ("", "Unnamed: 0", "__index_level_0__")
"""Names that pandas gives the numbers of rows which it has written as a column."""
LARGEST = float(np.finfo(np.float32).max)


class TableColumn(NamedTuple):
    """A column of a table, or an array of an archive.

    Attributes:
        name: Its name.
        shape: Its shape; the first axis is the examples.
        dtype: Name of its type.
        is_numeric: Whether its values are numbers.
        is_whole: Whether its values are whole numbers, whatever their type.
        num_distinct: Number of different values; 0 for arrays of more than one value an example.
        spread: Standard deviation of the values; 0 where they are not numbers.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    is_numeric: bool
    is_whole: bool
    num_distinct: int
    spread: float

    @property
    def described(self) -> str:
        """Type and, of arrays, the shape of an example: `float64`, `uint8 (8, 8)`."""
        return self.dtype if len(self.shape) == 1 else f"{self.dtype} {self.shape[1:]}"


def table_columns(path: Path) -> list[TableColumn]:
    """The columns of a CSV or Parquet file, or the arrays of a `.npz` file.

    Raises:
        ValueError: The file cannot be read, or holds no examples.
    """
    if path.suffix.lower() == ".npz":
        with path.open("rb") as file, _open_npz(path, file) as archive:
            arrays = {name: _array(path, archive, name) for name in archive.files}
    else:
        table = _read_columns_of(path)
        arrays = {column.name: column.drop_nulls().to_numpy() for column in table}
    if not any(len(array) for array in arrays.values()):
        raise ValueError(f"{path} holds no examples.")
    return [_column_of(name, array) for name, array in arrays.items()]


def _column_of(name: str, array: np.ndarray) -> TableColumn:
    is_numeric = array.dtype.kind in "fiub"
    is_whole = is_numeric and bool((np.asarray(array, np.float64) % 1 == 0).all())
    num_distinct = len(np.unique(array.astype(str) if not is_numeric else array)) if array.ndim == 1 else 0
    dtype = str(array.dtype) if is_numeric else "text"
    spread = float(np.std(array)) if is_numeric else 0.0
    return TableColumn(name, array.shape, dtype, is_numeric, is_whole, num_distinct, spread)


def read_table(path: Path, inputs: tuple[str, ...] | None, targets: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, ...) in float64 and labels (n, number of targets) as they are in the file.

    Raises:
        ValueError: A name is missing, an input is not a number, a value is missing, or lengths differ.
    """
    x, y = _read_npz(path, inputs, targets) if path.suffix.lower() == ".npz" else _read_columns(path, inputs, targets)
    if len(x) != len(y):
        raise ValueError(f"{path} holds {len(x)} inputs but {len(y)} labels. Save as many of one as of the other.")
    if not (len(x) and x.size):
        raise ValueError(f"{path} holds no examples with inputs: they have shape {x.shape}. Write one a row.")
    if not np.isfinite(x).all():
        raise ValueError(f"{path} holds inputs that are missing or not finite. Fill or drop those rows.")
    if np.issubdtype(y.dtype, np.floating) and not np.isfinite(y).all():
        raise ValueError(f"{path} holds labels that are missing or not finite. Fill or drop those rows.")
    for what, values in (("inputs", x), ("labels", y)):
        if values.dtype.kind == "f" and np.abs(values).max() > LARGEST:
            raise ValueError(f"{path} holds {what} beyond {LARGEST:.2g}, the range of float32. Rescale them.")
    return x, y


def _read_npz(path: Path, inputs: tuple[str, ...] | None, targets: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    with path.open("rb") as file, _open_npz(path, file) as archive:
        names = inputs or tuple(name for name in archive.files if name not in targets)
        _check_names(path, (*names, *targets), archive.files)
        if len(names) != 1:
            raise ValueError(f"{path} holds arrays {', '.join(archive.files)}. Name the one of inputs in `inputs`.")
        arrays = {name: _array(path, archive, name) for name in (*names, *targets)}
    if arrays[names[0]].dtype.kind not in "fiub":
        raise ValueError(f"{path}: inputs {names[0]} are not numbers but {arrays[names[0]].dtype}. Encode them.")
    x, labels = np.asarray(arrays[names[0]], np.float64), [arrays[name] for name in targets]
    if len({len(label) for label in labels}) > 1:
        lengths = ", ".join(f"{len(label)} of {name}" for name, label in zip(targets, labels, strict=True))
        raise ValueError(f"{path} holds labels of unlike numbers: {lengths}. Save as many of one as of the other.")
    x = x[:, None] if x.ndim == 1 else x
    columns = [label.reshape(len(label), int(np.prod(label.shape[1:]))) for label in labels]
    return x, np.concatenate(columns, axis=1)


def _open_npz(path: Path, file: IO[bytes]) -> Any:
    try:
        return np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} cannot be read as .npz ({_first_line(error)}). Save it with numpy.savez.") from error


def _array(path: Path, archive: Any, name: str) -> np.ndarray:
    try:
        array = archive[name]
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path}: array {name} cannot be read ({_first_line(error)}). Save it as numbers.") from error
    if not array.ndim:
        raise ValueError(f"{path}: array {name} is a single value. Give arrays whose first axis is the examples.")
    return array


def _read_columns(
    path: Path, inputs: tuple[str, ...] | None, targets: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    import polars as pl

    table = _read_columns_of(path)
    numeric = [name for name, dtype in table.schema.items() if dtype.is_numeric() and name not in targets]
    names = inputs or tuple(numeric)
    _check_names(path, (*names, *targets), table.columns)
    if not len(table):
        raise ValueError(f"{path} holds no examples. Write one a row.")
    if not names:
        raise ValueError(f"{path} has no column of numbers beside {', '.join(targets)}. It has: {_types(table)}.")
    if inputs is None:
        _check_what_is_taken(path, table, names, targets)
    columns = [table[name] for name in (*names, *targets)]
    nulls = [column for column in columns if column.null_count()]
    if nulls:
        row = nulls[0].is_null().arg_max()
        raise ValueError(
            f"{path} holds missing values, such as {nulls[0].name} of example {row}. Fill or drop those rows."
        )
    for column in columns[: len(names)]:
        if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            raise ValueError(f"{path}: input columns {column.name} are not numbers{_example(column)}")
    for column in columns[len(names) :]:
        if column.dtype.is_nested():
            raise ValueError(f"{path}: labels {column.name} are {column.dtype}. Write one value an example.")
    x = table.select(pl.col(list(names)).cast(pl.Float64)).to_numpy()
    return x, table.select(list(targets)).to_numpy()


def _check_what_is_taken(path: Path, table: "pl.DataFrame", names: tuple[str, ...], targets: tuple[str, ...]) -> None:
    """Refuses a table where taking all columns of numbers takes too few or too many."""
    import polars as pl

    for name in names:
        if name in ROW_NUMBERS and table[name].equals(pl.Series(range(len(table)), dtype=table[name].dtype)):
            raise ValueError(
                f"{path}: column {name!r} holds the numbers of the rows, which pandas writes. Write it with "
                "index=False, or name the inputs in `inputs`."
            )
    for column in table:
        if column.dtype != pl.String or column.name in targets:
            continue
        present = column.drop_nulls()
        num_texts = present.str.strip_chars().cast(pl.Float64, strict=False).null_count()
        if 0 < num_texts < len(present) / 2:
            raise ValueError(
                f"{path}: column {column.name} holds numbers and, in {num_texts} of {len(table)} examples, text"
                f"{_example(column)} Or name the inputs in `inputs`."
            )


def _read_columns_of(path: Path) -> "pl.DataFrame":
    return _read_parquet(path) if path.suffix.lower() == ".parquet" else read_delimited(path)


def _read_parquet(path: Path) -> "pl.DataFrame":
    import polars as pl

    try:
        return pl.read_parquet(path, glob=False)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{path} cannot be read as Parquet ({_first_line(error)}). Write it again.") from error


def _example(column: "pl.Series") -> str:
    """The first text in a column that is no number, where that is the reason, and the remedy."""
    import polars as pl

    if column.dtype != pl.String:
        return f" but {column.dtype}. Encode or leave them out."
    wrong = column.str.strip_chars().cast(pl.Float64, strict=False).is_null()
    row = wrong.arg_max() or 0
    return f", such as {column[row]!r} of example {row}. Encode or leave them out."


def _types(table: "pl.DataFrame") -> str:
    return ", ".join(f"{name} ({dtype})" for name, dtype in table.schema.items())


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _check_names(path: Path, wanted: Iterable[str], present: Iterable[str]) -> None:
    missing = [name for name in wanted if name not in set(present)]
    if missing:
        raise ValueError(f"{path} has no {', '.join(missing)}. It has: {', '.join(present)}.")
