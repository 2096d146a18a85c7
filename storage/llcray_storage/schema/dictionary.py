"""Parts of storage/README.md that are made from the schema: the data dictionary and the verdicts, in Markdown.

`python -m llcray_storage.schema.dictionary storage/README.md` writes them into the page.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from llcray_storage.schema.column import Column
from llcray_storage.schema.tables import SCHEMA_VERSION, TABLES, VIEWS, Table
from llcray_storage.schema.verdicts import VERDICTS


def with_dictionary(page: str) -> str:
    """Bring the generated parts of a page up to date, which stand between marks.

    Raises:
        ValueError: The page lacks the marks of a part.
    """
    return _with_part(_with_part(page, "data dictionary", dictionary()), "verdicts", verdicts())


def dictionary() -> str:
    """Return every column of every table and view with type, unit and meaning."""
    introduction = f"Schema version {SCHEMA_VERSION}. Columns in *italics* are axes: what a sweep can vary."
    return "\n\n".join([introduction, *("\n".join(_section(table)) for table in (*TABLES, *VIEWS))])


def verdicts() -> str:
    """Return every verdict with its meaning, gravest first."""
    rows = [f"| `{verdict.name}` | {_escaped(verdict.meaning)} |" for verdict in VERDICTS]
    return "\n".join(["| verdict | meaning |", "|---|---|", *rows])


def _with_part(page: str, name: str, text: str) -> str:
    start, stop = f"<!-- {name}: generated, do not edit -->", f"<!-- end of {name} -->"
    before, start_found, rest = page.partition(start)
    _, stop_found, after = rest.partition(stop)
    if not start_found or not stop_found:
        raise ValueError(f"the page has no place for the {name}. Add the lines '{start}' and '{stop}'.")
    return f"{before}{start}\n\n{text}\n\n{stop}{after}"


def _section(table: Table) -> Iterator[str]:
    yield f"### `{table.name}`: {table.meaning}"
    yield ""
    yield "| column | type | unit | meaning |"
    yield "|---|---|---|---|"
    for column in table.columns:
        name = f"*{column.name}*" if column.axis else column.name
        required = "" if column.required else "?"
        yield f"| {name} | {type_name(column.type)}{required} | {column.unit} | {_meaning(column)} |"


def _meaning(column: Column) -> str:
    choices = f" One of {', '.join(f'`{choice}`' for choice in column.choices)}." if column.choices else ""
    earlier = "".join(f" Older files have `{old}` for `{now}`." for old, now in column.earlier.items())
    return _escaped(column.meaning + choices + earlier)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def type_name(kind: pa.DataType) -> str:
    """Return the name of a type as the dictionary shows it."""
    if pa.types.is_list(kind):
        return f"list of {type_name(kind.value_type)}"
    if pa.types.is_timestamp(kind):
        return "time"
    return {"string": "text", "double": "float64", "float": "float32"}.get(str(kind), str(kind))


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_dictionary(path.read_text()))
