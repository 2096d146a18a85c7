"""Reading of tables of delimited text, whoever wrote them: separators, decimal commas, line ends, spaces."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

SEPARATORS = ",;\t|"
DECIMAL_COMMA = r"^\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*$"
EXCEL_SEPARATOR = re.compile(r"sep=(.)\s*", re.IGNORECASE)
HEAD_BYTES = 2**16
NOT_TEXT = {
    b"\x1f\x8b": "compressed by gzip. Unpack it",
    b"PK\x03\x04": "a zip archive (or a workbook of Excel). Unpack it, or save it as CSV",
    b"BZh": "compressed by bzip2. Unpack it",
    b"\xfd7zXZ": "compressed by xz. Unpack it",
    b"\x28\xb5\x2f\xfd": "compressed by zstd. Unpack it",
    b"PAR1": "a Parquet file. Let its name end in .parquet",
    b"\xff\xfe": "in UTF-16. Save it in UTF-8",
    b"\xfe\xff": "in UTF-16. Save it in UTF-8",
}
"""What begins so is no table of text in UTF-8, and what to do."""


def read_delimited(path: Path) -> "pl.DataFrame":
    """The table, with types that suit all rows and names without spaces around them.

    Raises:
        ValueError: The file is no such table.
    """
    import polars as pl

    options = _dialect(path)
    try:
        table = pl.read_csv(path, **options)
    except (pl.exceptions.PolarsError, UnicodeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"{path} cannot be read as CSV ({reason}). Save it in UTF-8, with a header, nothing above it, and as many "
            "values in each row."
        ) from error
    stripped = [name.strip() for name in table.columns]
    if len(set(stripped)) == len(stripped):
        table.columns = stripped
    texts = [column for column in table if column.dtype == pl.String]
    has_commas = options["separator"] != "," and any(
        column.null_count() < len(column) and column.drop_nulls().str.contains(DECIMAL_COMMA).all() for column in texts
    )
    return table.with_columns(_as_numbers(column, has_commas) for column in texts)


def _dialect(path: Path) -> dict[str, Any]:
    """Options of `polars.read_csv`, from the first lines."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    for start, what in NOT_TEXT.items():
        if head.startswith(start):
            raise ValueError(f"{path} is {what}.")
    line_end = "\r" if b"\r" in head and b"\n" not in head else "\n"
    first, *rest = head.decode("utf-8-sig", "replace").split(line_end)
    named = EXCEL_SEPARATOR.fullmatch(first)
    header = rest[0] if named and rest else first
    return {
        "glob": False,
        "infer_schema_length": None,
        "separator": named[1] if named else max(SEPARATORS, key=header.count),
        "skip_rows": 1 if named else 0,
        "eol_char": line_end,
    }


def _as_numbers(column: "pl.Series", has_commas: bool) -> "pl.Series":
    """Numbers between spaces, or with decimal commas where the table has them, as numbers; other texts as they are."""
    import polars as pl

    texts = column.str.strip_chars()
    texts = texts.str.replace(",", ".", literal=True) if has_commas else texts
    for dtype in (pl.Int64, pl.Float64):
        numbers = texts.cast(dtype, strict=False)
        if numbers.null_count() == column.null_count() < len(column):
            return numbers
    return column
