"""Reading of inputs and labels from `.npz`, Parquet and CSV files."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np


def read_table(path: Path, inputs: tuple[str, ...] | None, targets: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, ...) in float64 and labels (n, number of targets) as they are in the file.

    Raises:
        ValueError: A name is missing, an input is not a number, a value is missing, or lengths differ.
    """
    x, y = _read_npz(path, inputs, targets) if path.suffix == ".npz" else _read_columns(path, inputs, targets)
    if len(x) != len(y):
        raise ValueError(f"{path} holds {len(x)} inputs but {len(y)} labels. Save as many of one as of the other.")
    if not np.isfinite(x).all():
        raise ValueError(f"{path} holds inputs that are missing or not finite. Fill or drop those rows.")
    if np.issubdtype(y.dtype, np.floating) and not np.isfinite(y).all():
        raise ValueError(f"{path} holds labels that are missing or not finite. Fill or drop those rows.")
    return x, y


def _read_npz(path: Path, inputs: tuple[str, ...] | None, targets: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        names = inputs or tuple(name for name in archive.files if name not in targets)
        _check_names(path, (*names, *targets), archive.files)
        if len(names) != 1:
            raise ValueError(f"{path} holds arrays {', '.join(archive.files)}. Name the one of inputs in `inputs`.")
        x = np.asarray(archive[names[0]], np.float64)
        labels = [archive[name] for name in targets]
    x = x[:, None] if x.ndim == 1 else x
    return x, np.concatenate([label.reshape(len(label), -1) for label in labels], axis=1)


def _read_columns(
    path: Path, inputs: tuple[str, ...] | None, targets: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    import polars as pl

    table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
    numeric = [name for name, dtype in table.schema.items() if dtype.is_numeric() and name not in targets]
    names = inputs or tuple(numeric)
    _check_names(path, (*names, *targets), table.columns)
    text = [name for name in names if name not in numeric]
    if text:
        raise ValueError(f"{path}: input columns {', '.join(text)} are not numbers. Encode or leave them out.")
    if table.select(*names, *targets).null_count().transpose().sum().item():
        raise ValueError(f"{path} holds missing values. Fill or drop those rows.")
    x = table.select(pl.col(list(names)).cast(pl.Float64)).to_numpy()
    return x, table.select(list(targets)).to_numpy()


def _check_names(path: Path, wanted: Iterable[str], present: Iterable[str]) -> None:
    missing = [name for name in wanted if name not in set(present)]
    if missing:
        raise ValueError(f"{path} has no {', '.join(missing)}. It has: {', '.join(present)}.")
