"""Parts of pages that are made from the schema, in Markdown: the data dictionary, the verdicts, the glossary.

`python -m llcray_storage.schema.dictionary storage/README.md docs/what_is_estimated.md` writes them into the pages.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from llcray_storage.schema.column import Column
from llcray_storage.schema.glossary import TERMS
from llcray_storage.schema.tables import SCHEMA_VERSION, TABLES, VIEWS, Table
from llcray_storage.schema.verdicts import VERDICTS


def with_dictionary(page: str) -> str:
    """Bring the generated parts of a page up to date, which stand between marks.

    Raises:
        ValueError: The page has the marks of no part.
    """
    places = [name for name in PARTS if _marks(name)[0] in page and _marks(name)[1] in page]
    if not places:
        known = ", ".join(f"'{mark}'" for mark in _marks(next(iter(PARTS))))
        raise ValueError(f"the page has no place for a generated part. Add lines such as {known}.")
    for name in places:
        start, stop = _marks(name)
        before, _, rest = page.partition(start)
        page = f"{before}{start}\n\n{PARTS[name]()}\n\n{stop}{rest.partition(stop)[2]}"
    return page


def dictionary() -> str:
    """Return every column of every table and view with type, unit and meaning."""
    introduction = f"Schema version {SCHEMA_VERSION}. Columns in *italics* are axes: what a sweep can vary."
    return "\n\n".join([introduction, *("\n".join(_section(table)) for table in (*TABLES, *VIEWS))])


def verdicts() -> str:
    """Return every verdict with its meaning, its rules and its remedy, gravest first."""
    rows = [
        f"| `{verdict.name}` | {' | '.join(map(_escaped, (verdict.meaning, verdict.rule, verdict.remedy)))} |"
        for verdict in VERDICTS
    ]
    return "\n".join(["| verdict | meaning | decided by | what to do |", "|---|---|---|---|", *rows])


def glossary() -> str:
    """Return every word with its meaning."""
    rows = [f"| {_escaped(term.name)} | {_escaped(term.meaning)} |" for term in TERMS]
    return "\n".join(["| word | meaning |", "|---|---|", *rows])


PARTS: Mapping[str, Callable[[], str]] = {"data dictionary": dictionary, "verdicts": verdicts, "glossary": glossary}
"""What a page can have, by the name in the marks around it."""


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: generated, do not edit -->", f"<!-- end of {name} -->"


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
    # Within backquotes a text is shown as it is.
    plain = text.split("`")
    plain[::2] = [part.replace("*", "\\*").replace("_", "\\_") for part in plain[::2]]
    return "`".join(plain).replace("|", "\\|")


def type_name(kind: pa.DataType) -> str:
    """Return the name of a type as the dictionary shows it."""
    if pa.types.is_list(kind):
        return f"list of {type_name(kind.value_type)}"
    if pa.types.is_timestamp(kind):
        return "time"
    return {"string": "text", "double": "float64", "float": "float32"}.get(str(kind), str(kind))


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(with_dictionary(path.read_text(encoding="utf-8")), encoding="utf-8")
