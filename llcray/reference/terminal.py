"""`llcray explain`: entries of the sweep language as lines for a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from llcray.reference.catalogue import FieldEntry, RecordEntry, catalogue
from llcray.reference.lookup import Entry, look_up

INDENT = 4
AXES = (
    "Any value of a target, a sampler, the posterior or sampling can be an axis: {grid: [a, b]}, {zip: [a, b]}, "
    "{uniform: [low, high], num: k}, {log_uniform: [low, high], num: k}; a list of variants is one, too."
)


def explain(name: str | None, console: Console) -> None:
    """Prints what a name of the sweep language means; without a name, the keys of a sweep file.

    Raises:
        UnknownNameError: Nothing has such a name.
    """
    if name is None:
        _print_record(catalogue()[0], console)
        _print_text(AXES, console)
        return
    found = look_up(name)
    for entry in found:
        _print_entry(entry, console)


def _print_entry(entry: Entry, console: Console) -> None:
    if isinstance(entry, RecordEntry):
        _print_record(entry, console)
        return
    _print_title(".".join(entry.path), console)
    _print_field(entry, console)
    inner = [record for record in catalogue() if record.path[:-1] == entry.path or record.path == entry.path]
    kinds = [record for record in inner if record.kind]
    if kinds:
        _print_kinds(kinds, console)
    for record in inner:
        if record.kind is None:
            _print_text(f"As a mapping: {first_sentence(record.description)}", console)
            _print_fields(record.fields, console)


def _print_record(record: RecordEntry, console: Console) -> None:
    _print_title(".".join(record.path) or "A sweep file", console)
    _print_text(record.description, console)
    if record.kind:
        console.print(Text(f"kind: {record.kind}", "bold"))
    _print_fields(record.fields, console)
    if record.definition:
        _print_text(record.definition, console)


def _print_fields(entries: Sequence[FieldEntry], console: Console) -> None:
    for entry in entries:
        _print_field(entry, console)
    console.print()


def _print_field(entry: FieldEntry, console: Console) -> None:
    default = "(required)" if entry.is_required else entry.default
    console.print(Text.assemble((f"{entry.name}: ", "bold"), default), soft_wrap=True)
    column = f"; column {entry.column}" if entry.column else ""
    _print_below(Text(entry.meaning), console)
    _print_below(Text(f"{entry.accepts}{column}", "dim"), console)


def _print_below(text: Text, console: Console) -> None:
    console.print(Padding(text, (0, 0, 0, INDENT), expand=False))


def _print_kinds(kinds: Sequence[RecordEntry], console: Console) -> None:
    console.print()
    table = Table.grid(padding=(0, 2, 0, 0))
    for record in kinds:
        table.add_row(Text(record.path[-1], "bold"), first_sentence(record.description))
    console.print(table)
    console.print()
    _print_text(f"The keys of one: llcray explain {'.'.join(kinds[0].path)}", console)


def _print_title(title: str, console: Console) -> None:
    console.print(Text(title, "bold underline"))


def _print_text(text: str, console: Console) -> None:
    """Prints paragraphs, filled to the width of the console; formulas, which are indented, stay as they are."""
    for paragraph in text.split("\n\n"):
        is_formula = paragraph.startswith(" ")
        console.print(Text(paragraph if is_formula else " ".join(paragraph.split())))
        console.print()


def first_sentence(text: str) -> str:
    """The first paragraph of a text, without its line breaks, up to the end of its first sentence."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".") + "."
