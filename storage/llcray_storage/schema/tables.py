"""The schema of the dataset, in one place: four tables, their columns, and what a row must look like to be written."""

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
from llcray_storage.schema.draw import DRAW_COLUMNS
from llcray_storage.schema.run import RUN_COLUMNS
from llcray_storage.schema.stage import STAGE_COLUMNS
from llcray_storage.schema.target import TARGET_COLUMNS

SCHEMA_VERSION = 2
"""Raised when a column is added; a changed meaning is a new column."""


@dataclass(frozen=True)
class Table:
    """A table: its name, its columns and the column that identifies a row's subject."""

    name: str
    key: str
    columns: tuple[Column, ...]

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema, unit and meaning of each column in its field's metadata."""
        metadata = {"llcray.table": self.name, "llcray.schema_version": str(SCHEMA_VERSION)}
        return pa.schema([column.field() for column in self.columns], metadata=metadata)

    @cached_property
    def polars(self) -> pl.Schema:
        """The schema every reader gets, whatever the age of the files."""
        empty = pl.from_arrow(self.arrow.empty_table())
        assert isinstance(empty, pl.DataFrame)
        return empty.schema

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    def refuse_unknown(self, names: Iterable[str]) -> None:
        """Raise StorageError when a name is no column of this table, with the nearest one."""
        for name in names:
            if name not in self.by_name:
                near = difflib.get_close_matches(name, self.by_name, n=1)
                hint = f"did you mean '{near[0]}'?" if near else "add it to the schema first."
                raise StorageError(f"table '{self.name}' has no column '{name}': {hint}")

    def refuse_missing(self, row: Mapping[str, Any]) -> None:
        """Raise StorageError when a required column is null or absent."""
        for column in self.columns:
            if column.required and row.get(column.name) is None:
                raise StorageError(
                    f"column '{column.name}' of '{self.name}' is null: every row needs it. Give a value."
                )


RUNS = Table("runs", "run_id", RUN_COLUMNS)
DRAWS = Table("draws", "run_id", DRAW_COLUMNS)
TARGETS = Table("targets", "target_id", TARGET_COLUMNS)
STAGES = Table("stages", "analysis_id", STAGE_COLUMNS)
TABLES = (RUNS, DRAWS, TARGETS, STAGES)


def axis_column_names() -> tuple[str, ...]:
    """Names of the columns of `runs` that a sweep can vary."""
    return tuple(column.name for column in AXES)
