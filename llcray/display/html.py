"""HTML for `_repr_html_`, which notebooks show: inline styles that suit light and dark pages, all text escaped."""

from collections.abc import Sequence
from html import escape

CELL = "padding:2px 12px 2px 0;text-align:left"
ONE_LINE = "white-space:nowrap"
DIM = "opacity:.65"
GOOD, DOUBTFUL = "#1a9850", "#d9730d"


def titled_list(title: str, rows: Sequence[tuple[str, str]], note: str = "") -> str:
    """A title, then a row for each name and value; title and values are HTML, names and note are text."""
    names = (f'<span style="{DIM};{ONE_LINE}">{escape(name)}</span>' for name, _ in rows)
    lines = [_row([name, value]) for name, (_, value) in zip(names, rows, strict=True)]
    table = f'<table style="margin:4px 0">{"".join(lines)}</table>'
    return f'<div><div style="font-size:1.1em">{title}</div>{table}{_note(note)}</div>'


def grid(headers: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> str:
    """A table with a head; cells are HTML."""
    head = "".join(f'<th style="{CELL}">{escape(header)}</th>' for header in headers)
    body = "".join(map(_row, rows))
    return f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{_note(note)}</div>"


def text(value: object) -> str:
    """A text as HTML."""
    return escape(str(value))


def bold(value: object) -> str:
    """A text that stands out."""
    return f'<b style="{ONE_LINE}">{escape(str(value))}</b>'


def verdict(name: str) -> str:
    """A verdict, whose colour says whether the estimate may be trusted; a sign says it too."""
    sign, color = ("✓", GOOD) if name == "ok" else ("!", DOUBTFUL)
    return f'<span style="color:{color};font-weight:600;{ONE_LINE}">{sign} {escape(name)}</span>'


def _row(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _note(note: str) -> str:
    return f'<div style="{DIM}">{escape(note)}</div>' if note else ""
