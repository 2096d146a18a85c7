"""Answers SQL over the four tables and the two views by polars; only those that a query names are scanned.

Beside SELECT there are SHOW TABLES, and DESCRIBE with the name of a table, which lists its columns; some of them with
`DESCRIBE runs LIKE '%step%'`.
"""

import difflib
import re

import polars as pl

from llcray_storage.errors import StorageError
from llcray_storage.read import (
    scan_draws,
    scan_draws_long,
    scan_observables,
    scan_runs,
    scan_stages,
    scan_targets,
)
from llcray_storage.schema.tables import TABLES, VIEWS
from llcray_storage.state.snapshot import unreadable
from llcray_storage.store.marker import open_existing
from llcray_storage.store.settings import Root

SCANS = {
    "runs": scan_runs,
    "draws": scan_draws,
    "draws_long": scan_draws_long,
    "targets": scan_targets,
    "stages": scan_stages,
    "observables": scan_observables,
}
DESCRIBED = {table.name: table for table in (*TABLES, *VIEWS)}
COMMENTS = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
"""White space and comments before a statement."""
FIRST_WORD = re.compile(r"[(\s]*(\w*)")
SELECTS = ("SELECT", "WITH", "FROM")
SHOW_TABLES = re.compile(r"SHOW\s+TABLES\s*;?\s*", re.IGNORECASE)
DESCRIBE = re.compile(
    r"""(?:DESCRIBE|DESC|SHOW\s+COLUMNS\s+(?:FROM|IN))\s+["`]?(\w+)["`]?(?:\s+LIKE\s+'([^']*)')?\s*;?\s*""",
    re.IGNORECASE,
)
UNKNOWN_COLUMN = re.compile(r"""unable to find column "(?P<a>[^"]+)"|no column named '(?P<b>[^']+)' found""")
UNKNOWN_TABLE = re.compile(r"relation '(?P<name>[^']+)' was not found")
NUM_NEAR = 4
MAX_SHOWN = 100
"""Characters of a query that a message repeats."""


def sql(root: Root, query: str) -> pl.DataFrame:
    """Run one SELECT, or SHOW TABLES, or DESCRIBE of a table. Nothing else is run, and nothing is ever changed.

    Raises:
        StorageError: There is no dataset, it is damaged, or the query is not understood.
    """
    store = open_existing(root)
    statement = _without_comments(query)
    if SHOW_TABLES.fullmatch(statement):
        return _tables()
    if (described := DESCRIBE.fullmatch(statement)) is not None:
        return _columns(described[1], described[2] or "%")
    try:
        return _selected(root, statement)
    except FileNotFoundError as error:
        raise unreadable(store, "a file that the query needs", error) from error
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if reason.startswith("parquet:") or isinstance(error, OSError):
            raise unreadable(store, "a file that the query needs", error) from error
        raise _refusal(query, _reason_in_words(reason, _names_in(statement))) from error


def _selected(root: Root, statement: str) -> pl.DataFrame:
    word = FIRST_WORD.match(statement)[1].upper()  # pyright: ignore[reportOptionalSubscript]
    if word not in SELECTS:
        begins = f"it begins with {word}" if word else "it is no statement"
        raise _refusal(statement, f"{begins}: write a SELECT (or WITH), SHOW TABLES, or DESCRIBE and a table's name.")
    with pl.SQLContext({name: SCANS[name](root) for name in _names_in(statement)}) as context:
        return context.execute(statement, eager=True)


def _names_in(statement: str) -> list[str]:
    return [name for name in SCANS if re.search(rf"\b{name}\b", statement)]


def _tables() -> pl.DataFrame:
    rows = [(table.name, len(table.columns), table.meaning) for table in DESCRIBED.values()]
    return pl.DataFrame(rows, schema=["table", "num_columns", "meaning"], orient="row")


def lists_columns(query: str) -> bool:
    """Whether a query lists the columns of a table."""
    return DESCRIBE.fullmatch(_without_comments(query)) is not None


def _without_comments(query: str) -> str:
    """Leave out the comments before a statement."""
    return query[COMMENTS.match(query).end() :]  # pyright: ignore[reportOptionalMemberAccess]


def _columns(name: str, pattern: str) -> pl.DataFrame:
    table = DESCRIBED.get(name.lower())
    if table is None:
        raise _refusal(f"DESCRIBE {name}", _unknown_table(name))
    like = re.compile(re.escape(pattern).replace("%", ".*").replace("_", "."), re.IGNORECASE)
    named = [column for column in table.columns if like.fullmatch(column.name)]
    rows = [(column.name, str(table.polars[column.name]), column.unit, column.meaning) for column in named]
    return pl.DataFrame(rows, schema=["column", "type", "unit", "meaning"], orient="row")


def _refusal(query: str, reason: str) -> StorageError:
    shown = query if len(query) <= MAX_SHOWN else query[: MAX_SHOWN - 3] + "..."
    return StorageError(f"query {shown!r} failed: {reason} Tables: {', '.join(SCANS)}.")


def _reason_in_words(reason: str, names: list[str]) -> str:
    """Say in one line why polars refused a query, with the nearest names where a name is unknown."""
    if (table := UNKNOWN_TABLE.search(reason)) is not None:
        return _unknown_table(table["name"])
    if (column := UNKNOWN_COLUMN.search(reason)) is not None:
        word = column["a"] or column["b"]
        known = list(dict.fromkeys(column for name in names for column in DESCRIBED[name].by_name))
        # A word without its section, such as `widths`, is the network's rather than its teacher's.
        whole = sorted((name for name in known if name.endswith(f"_{word.lower()}")), key=_is_of_another_part)
        near = whole or difflib.get_close_matches(word, known, n=NUM_NEAR)
        near = near or [name for name in known if word.lower() in name]
        hint = f"did you mean {' or '.join(near[:NUM_NEAR])}? " if near else ""
        listing = " and ".join(f"DESCRIBE {name}" for name in names)
        return f"there is no column '{word}' in {', '.join(names)}. {hint}{listing} lists all columns."
    return f"{reason}."


def _is_of_another_part(name: str) -> bool:
    return name.startswith(("teacher_", "target_"))


def _unknown_table(name: str) -> str:
    near = difflib.get_close_matches(name, SCANS, n=1)
    return f"there is no table '{name}'." + (f" Did you mean {near[0]}?" if near else "")
