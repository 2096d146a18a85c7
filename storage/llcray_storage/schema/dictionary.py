"""The data dictionary, made from the schema.

`python -m llcray_storage.schema.dictionary storage/README.md` writes it into the page.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from llcray_storage.schema.column import Column
from llcray_storage.schema.observable import OBSERVABLE_COLUMNS
from llcray_storage.schema.tables import SCHEMA_VERSION, TABLES, Table
from llcray_storage.schema.verdicts import VERDICTS

BEGIN = "<!-- data dictionary: generated, do not edit -->"
END = "<!-- end of data dictionary -->"
OBSERVABLES = Table("observables", "run_id", OBSERVABLE_COLUMNS)
ABOUT = {
    "runs": "one row an estimate",
    "draws": "one row a chain; series have one number a draw",
    "targets": "one row a target",
    "observables": "one row a probe example of a run; a view of `runs`, by `scan_observables` and SQL",
    "stages": "one row a stage of one series (a metric along training); written by `llcray stages`",
}


def dictionary() -> str:
    """Every column of every table with type, unit and meaning, in Markdown."""
    parts = [f"Schema version {SCHEMA_VERSION}. Columns in *italics* are axes: what a sweep can vary."]
    for table in TABLES:
        parts.append("\n".join(_section(table)))
    parts.append("\n".join(_section(OBSERVABLES)))
    parts.append("\n".join(_verdicts()))
    return "\n\n".join(parts)


def with_dictionary(page: str) -> str:
    """The page with the dictionary between its marks brought up to date.

    Raises:
        ValueError: The page has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for the dictionary. Add the lines '{BEGIN}' and '{END}'.")
    return f"{before}{begin}\n\n{dictionary()}\n\n{end}{after}"


def _verdicts() -> Iterator[str]:
    yield "### Verdicts (column `verdict` of `runs`), gravest first"
    yield ""
    yield "| verdict | meaning |"
    yield "|---|---|"
    for verdict in VERDICTS:
        yield f"| `{verdict.name}` | {_escaped(verdict.meaning)} |"


def _section(table: Table) -> Iterator[str]:
    yield f"### `{table.name}`: {ABOUT[table.name]}"
    yield ""
    yield "| column | type | unit | meaning |"
    yield "|---|---|---|---|"
    for column in table.columns:
        name = f"*{column.name}*" if column.axis else column.name
        required = "" if column.required else "?"
        yield f"| {name} | {spoken_type(column.type)}{required} | {column.unit} | {_meaning(column)} |"


def _meaning(column: Column) -> str:
    choices = f" One of {', '.join(f'`{choice}`' for choice in column.choices)}." if column.choices else ""
    return _escaped(column.meaning + choices)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def spoken_type(kind: pa.DataType) -> str:
    """Type as the dictionary names it."""
    if pa.types.is_list(kind):
        return f"list of {spoken_type(kind.value_type)}"
    if pa.types.is_timestamp(kind):
        return "time"
    return {"string": "text", "double": "float64", "float": "float32"}.get(str(kind), str(kind))


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_dictionary(path.read_text()))
