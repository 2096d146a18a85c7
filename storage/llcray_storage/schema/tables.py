"""The schema of the dataset: four tables, which are stored, and two views of them, which are made when read.

`runs`, `draws`, `targets` and `stages` are tables. The view `draws_long` shows `draws` with one row per draw;
`observables` shows the probe examples of `runs` with one row per example.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl
import pyarrow as pa

from llcray_storage.errors import StorageError
from llcray_storage.schema.axis import AXES
from llcray_storage.schema.column import Column
from llcray_storage.schema.draw import DRAW_COLUMNS, DRAW_LONG_COLUMNS
from llcray_storage.schema.observable import OBSERVABLE_COLUMNS
from llcray_storage.schema.run import RUN_COLUMNS
from llcray_storage.schema.stage import STAGE_COLUMNS
from llcray_storage.schema.target import TARGET_COLUMNS

SCHEMA_VERSION = 3
"""Raised when a column is added; a changed meaning is a new column."""


@dataclass(frozen=True)
class Table:
    """A table or view.

    Attributes:
        name: Name of the table, also in SQL.
        key: Column with the id that a row belongs to.
        columns: All columns, in order.
        meaning: What one row stands for.
    """

    name: str
    key: str
    columns: tuple[Column, ...]
    meaning: str

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema, unit and meaning of each column in its field's metadata."""
        metadata = {"llcray.table": self.name, "llcray.schema_version": str(SCHEMA_VERSION)}
        return pa.schema([column.field() for column in self.columns], metadata=metadata)

    @cached_property
    def polars(self) -> pl.Schema:
        """The polars schema that every reader gets, whatever the age of the files."""
        return pl.Schema(self.arrow)  # an empty table would do as well, but PyArrow loads pandas for it

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    def refuse_unknown(self, names: Iterable[str]) -> None:
        """Refuse names that are no columns.

        Raises:
            StorageError: A name is no column of this table; the message suggests the nearest one.
        """
        for name in names:
            if name not in self.by_name:
                near = difflib.get_close_matches(name, self.by_name, n=1)
                hint = f"did you mean '{near[0]}'?" if near else "add it to the schema first."
                raise StorageError(f"table '{self.name}' has no column '{name}': {hint}")

    def refuse_missing(self, row: Mapping[str, Any]) -> None:
        """Refuse a row without its required columns.

        Raises:
            StorageError: A required column is null or absent.
        """
        for column in self.columns:
            if column.required and row.get(column.name) is None:
                raise StorageError(
                    f"column '{column.name}' of '{self.name}' is null: every row needs it. Give a value."
                )


RUNS = Table("runs", "run_id", RUN_COLUMNS, "one row per estimate")
DRAWS = Table("draws", "run_id", DRAW_COLUMNS, "one row per chain; series have one number a draw")
TARGETS = Table("targets", "target_id", TARGET_COLUMNS, "one row per target")
STAGES = Table(
    "stages",
    "analysis_id",
    STAGE_COLUMNS,
    "one row per stage of one series (a metric along training); written by `llcray stages`",
)
TABLES = (RUNS, DRAWS, TARGETS, STAGES)

DRAWS_LONG = Table(
    "draws_long", "run_id", DRAW_LONG_COLUMNS, "one row per draw; a view of `draws`, by `scan_draws_long` and SQL"
)
OBSERVABLES = Table(
    "observables",
    "run_id",
    OBSERVABLE_COLUMNS,
    "one row per probe example of a run; a view of `runs`, by `scan_observables` and SQL",
)
VIEWS = (DRAWS_LONG, OBSERVABLES)


def axis_column_names() -> tuple[str, ...]:
    """Return the names of the columns of `runs` that a sweep can vary."""
    return tuple(column.name for column in AXES)
