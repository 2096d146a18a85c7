"""The reference as Markdown: a page for each part of a sweep file, every kind with its keys in a table."""

from collections.abc import Iterator, Mapping, Sequence

from llcray.reference.catalogue import FieldEntry, Path, RecordEntry, families
from llcray.spec.sweep import SweepFile

PAGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "targets": ("Targets", ("targets",)),
    "samplers": ("Samplers", ("samplers",)),
    "posterior": ("Posterior", ("posterior",)),
    "sampling": ("Sampling", ("sampling",)),
    "choices": ("Components, examples, losses, conduct, checks", ()),
}
"""Title of each page, and the top-level keys that it is about; no keys: all that have no page of their own."""

INTRODUCTION = """# Reference

Every key of a sweep file, with what it takes, its default and its meaning, made from the specs that validate it. In a
terminal: `llcray explain samplers.sgld`, `llcray explain gamma`; in an editor: `llcray schema`. Columns of the dataset
are named beside the keys that fill them.

Any value of a target, a sampler, `posterior` or `sampling` can be an axis: `{grid: [a, b]}`, `{zip: [a, b]}`,
`{uniform: [low, high], num: k}`, `{log_uniform: [low, high], num: k}`; see [Write a sweep](../sweeps.md#axes).

## The top of a file
"""


def pages() -> dict[str, str]:
    """Markdown by the name of the page: `index`, and those of `PAGES`."""
    groups = families()
    [(top,)] = [records for family, records in groups.items() if records[0].model is SweepFile]
    texts = {"index": "\n".join([INTRODUCTION, *_keys(top)])}
    taken = {key for _, keys in PAGES.values() for key in keys}
    for name, (title, keys) in PAGES.items():
        chosen = {
            family: records
            for family, records in groups.items()
            if family and (family[0] in keys if keys else family[0] not in taken)
        }
        texts[name] = "\n".join([f"# {title}\n", *(line for item in chosen.items() for line in _family(*item))])
    return texts


def _family(family: Path, records: Sequence[RecordEntry]) -> Iterator[str]:
    heading = ".".join(family)
    yield f"## `{heading}`\n"
    if records[0].kind is None:
        yield from _record(records[0])
        return
    if len(records) > 1:
        yield "| kind | |"
        yield "|---|---|"
        for record in records:
            yield f"| [`{record.kind}`](#{_anchor(record)}) | {_cell(record.description.partition(chr(10) * 2)[0])} |"
        yield ""
    for record in records:
        yield f"### `{record.kind}` {{#{_anchor(record)}}}\n"
        yield from _record(record)


def _record(record: RecordEntry) -> Iterator[str]:
    yield f"{_prose(record.description)}\n"
    yield from _keys(record)
    if record.definition:
        yield f'??? note "Definition and sources"\n\n{_indented(_prose(record.definition))}\n'


def _keys(record: RecordEntry) -> Iterator[str]:
    if not record.fields:
        yield "It has no keys.\n"
        return
    yield "| key | takes | default | meaning |"
    yield "|---|---|---|---|"
    for entry in record.fields:
        yield f"| `{entry.name}` | {_cell(entry.accepts)} | {_default(entry)} | {_meaning(entry)} |"
    yield ""


def _default(entry: FieldEntry) -> str:
    return "**required**" if entry.is_required else f"`{entry.default}`"


def _meaning(entry: FieldEntry) -> str:
    column = f" Column `{entry.column}`." if entry.column else ""
    return _cell(entry.meaning) + column


def _anchor(record: RecordEntry) -> str:
    return "-".join(record.path)


def _prose(text: str) -> str:
    """Paragraphs as Markdown: formulas, which are indented, stay as they are; other text is no markup."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(part if part.startswith("    ") else _escaped(" ".join(part.split())) for part in paragraphs)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split())).replace("|", "\\|")


def _escaped(text: str) -> str:
    """A text in which nothing but code between backticks is markup."""
    parts = text.split("`")
    marked = [part if index % 2 else _without_markup(part) for index, part in enumerate(parts)]
    return "`".join(marked)


def _without_markup(text: str) -> str:
    for character in "\\*_<[":
        text = text.replace(character, f"\\{character}" if character != "<" else "&lt;")
    return text
