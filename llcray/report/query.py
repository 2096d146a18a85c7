"""`llcray query`: the answer to an SQL query, as a table to read or a file to go on with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from llcray_storage import sql
from llcray_storage.query import lists_columns
from llcray_storage.store.settings import Root
from rich.console import Console
from rich.table import Table

from llcray.report.errors import ReportError

MAX_ROWS = 100
MAX_RECORDS = 20
MAX_LIST = 4
FOLDED = 16
"""Characters to which a long value may be folded before a row is printed as a record."""


def answer(root: Root, query: str, form: str | None, output: Path | None, console: Console) -> None:
    """Answer a query in the terminal or in a file.

    Args:
        root: The dataset.
        query: One SELECT statement.
        form: csv, json (one object a line) or parquet; None for a table, or what the output's name ends in.
        output: File to write; None for the terminal.
        console: The terminal.

    Raises:
        ReportError: Parquet for the terminal, or a file that cannot be written.
        StorageError: There is no dataset, or the query is not understood.
    """
    form = form or (output.suffix.removeprefix(".") if output else None)
    if form == "parquet" and output is None:
        raise ReportError("--parquet is binary: give a file with -o answer.parquet.")
    if output is not None and form not in ("csv", "json", "parquet"):
        raise ReportError(f"'{output}' has no known form: name it .csv, .json or .parquet, or give --csv or --json.")
    frame = sql(root, query)
    if form is None:
        _show(frame, console, frame.height if lists_columns(query) else MAX_ROWS)
    elif output is None:
        console.file.write(_text(frame, form))
    else:
        _write(frame, form, output)


def _show(frame: pl.DataFrame, console: Console, most: int) -> None:
    """Print rows side by side where the columns fit on the terminal, else one row below the other."""
    if _fits(frame, console.width):
        console.print(_table(frame.head(most)))
    else:
        most = min(most, MAX_RECORDS)
        for number, row in enumerate(frame.head(most).iter_rows(named=True), start=1):
            console.print(f"row {number}", style="bold", highlight=False)
            console.print(_record(row))
        console.print("Values that are null are left out.", style="dim")
    hidden = frame.height - most
    console.print(f"{frame.height} rows" + (f", the last {hidden} not shown; --csv prints all" if hidden > 0 else ""))


def _fits(frame: pl.DataFrame, width: int) -> bool:
    """Whether a table fits into a width, once long values are folded to `FOLDED` characters."""
    shown = frame.head(MAX_ROWS)
    widths = [max(len(name), *(len(_cell(value)) for value in shown[name]), 0) for name in shown.columns]
    return sum(min(wide, FOLDED) + 1 for wide in widths) <= width + 1


def _record(row: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in row.items():
        if value is not None:
            table.add_row(f"  {name}", _cell(value))
    return table


def _write(frame: pl.DataFrame, form: str, output: Path) -> None:
    try:
        if form == "parquet":
            frame.write_parquet(output)
        else:
            output.write_text(_text(frame, form), encoding="utf-8")
    except OSError as error:
        raise ReportError(f"'{output}' cannot be written: {error.strerror}. Choose another file.") from error


def _text(frame: pl.DataFrame, form: str) -> str:
    if form == "json":
        return frame.write_ndjson()
    lists = [pl.col(name).cast(pl.List(pl.String)).list.join(" ") for name in frame.columns if _is_list(frame, name)]
    return frame.with_columns(lists).write_csv()


def _table(frame: pl.DataFrame) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in frame.columns:
        table.add_column(name, justify="right" if frame[name].dtype.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*map(_cell, row))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return " ".join(map(_cell, value[:MAX_LIST])) + (f" ... ({len(value)})" if len(value) > MAX_LIST else "")
    return str(value)


def _is_list(frame: pl.DataFrame, name: str) -> bool:
    return isinstance(frame[name].dtype, pl.List)
