"""What is measured lands in columns of its type, and every column of a measurement is filled by somebody."""

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa
import pytest
from llcray_storage.schema.tables import DRAWS, RUNS, TARGETS, Table

from llcray.llc.estimate import Estimate, Work
from llcray.targets.target import TargetFacts

ROOT = Path(__file__).parents[2]
ARROW = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}
RECORDS = ((Estimate, RUNS), (Work, RUNS), (TargetFacts, RUNS), (TargetFacts, TARGETS))

WRITERS = {
    "runs": ("llcray/estimation", "llcray/llc", "llcray/spec/columns.py", "storage/llcray_storage/write/commit.py"),
    "draws": ("llcray/estimation/rows.py", "storage/llcray_storage/write/commit.py"),
    "targets": ("llcray/targets", "storage/llcray_storage/write/targets.py"),
}
"""The code that makes rows of each table."""
MEASURED_BY = {"runs": (Estimate, TargetFacts), "draws": (), "targets": (TargetFacts,)}
"""Records whose fields are columns of each table."""

MEASURED_AXES = {"inverse_temperature", "n_beta", "localization", "num_chains"}


def _arrow_type(annotation: Any) -> pa.DataType:
    alternatives = [member for member in get_args(annotation) if member is not type(None)]
    if get_origin(annotation) is Literal:
        return ARROW[type(alternatives[0])]
    return ARROW[alternatives[0] if alternatives else annotation]


@pytest.mark.parametrize(("record", "table"), RECORDS, ids=[f"{a.__name__}-{b.name}" for a, b in RECORDS])
def test_every_field_of_a_record_is_a_column_of_its_type(record: type, table: Table) -> None:
    """Catches a number that is computed and then refused, or stored as another type."""
    for name, annotation in get_type_hints(record).items():
        assert name in table.by_name, f"declare column '{name}' in storage/llcray_storage/schema"
        assert table.by_name[name].type == _arrow_type(annotation), name


def _keys(path: Path) -> Iterator[str]:
    """Patterns of the names that a file writes to: keys of dictionaries, and tuples of names such as COMMIT_COLUMNS."""
    for node in ast.walk(ast.parse(path.read_text())):
        keys: list[ast.expr | None] = []
        if isinstance(node, ast.Dict):
            keys = node.keys
        elif isinstance(node, ast.DictComp):
            keys = [node.key]
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            keys = [node.slice]
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            keys = list(node.value.elts)
        for key in keys:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield re.escape(key.value)
            elif isinstance(key, ast.JoinedStr):
                yield "".join(re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".+" for p in key.values)


@pytest.mark.parametrize("table", (RUNS, TARGETS, DRAWS), ids=lambda table: table.name)
def test_every_measured_column_is_filled_by_somebody(table: Table) -> None:
    """Catches a column that stays null for ever, because its writer was renamed or never written."""
    places = [ROOT / name for name in WRITERS[table.name]]
    files = [file for place in places for file in ([place] if place.suffix else sorted(place.rglob("*.py")))]
    filled = [pattern for file in files for pattern in _keys(file)]
    filled += [field.name for record in MEASURED_BY[table.name] for field in dataclasses.fields(record)]
    names = [column.name for column in table.columns if not column.axis or column.name in MEASURED_AXES]
    assert [name for name in names if not any(re.fullmatch(pattern, name) for pattern in filled)] == []
