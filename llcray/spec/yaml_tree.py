"""YAML as a tree whose nodes know where they were written.

Plain scalars are read as YAML 1.2 does: `1e-5` is a number, only `true` and `false` are booleans, `no` is text.
This module knows nothing of sweeps.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from llcray.spec.problems import Place, Problem, SpecError, suggestion

LONGEST_SHOWN = 40
MOST_BYTES = 2_000_000
MOST_NODES = 200_000
"""Keys and values of a file, those that aliases repeat included."""
MOST_DEPTH = 50
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
MERGE = "<<"
"""The key of YAML 1.1 whose mapping gives the keys that are not written beside it."""
TOO_DEEP = f"is nested more than {MOST_DEPTH} deep; write it flatter"
NULL = re.compile(r"|~|null|Null|NULL")
BOOLEAN = re.compile(r"(true|True|TRUE)|false|False|FALSE")
INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Scalar:
    """A leaf of the tree: text, a number, a boolean or null."""

    value: str | int | float | bool | None
    place: Place


@dataclass(frozen=True)
class Items:
    """A list of nodes."""

    items: "tuple[Node, ...]"
    place: Place


@dataclass(frozen=True)
class Table:
    """A mapping from keys to nodes.

    Attributes:
        entries: Values by key.
        keys: Where each key was written.
        place: Where the mapping begins.
    """

    entries: "Mapping[str, Node]"
    keys: Mapping[str, Place]
    place: Place

    def updated(self, key: str, value: "Node", place: Place) -> "Table":
        """A copy with `key` set; a key that exists already keeps its position."""
        return Table({**self.entries, key: value}, {**self.keys, key: place}, self.place)


Node = Scalar | Items | Table


def plain(node: Node) -> Any:
    """The value of a tree as dicts, lists and scalars, without places."""
    if isinstance(node, Table):
        return {key: plain(value) for key, value in node.entries.items()}
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return node.value


def tree_of(value: Any, place: Place) -> Node:
    """The tree of values of Python: mappings, lists, tuples, scalars and arrays, paths, and validated specs.

    Raises:
        SpecError: A value is none of these.
    """
    if isinstance(value, BaseModel):
        value = _written_fields(value)
    if isinstance(value, Mapping):
        entries = {str(key): tree_of(item, place.at(str(key))) for key, item in value.items()}
        return Table(entries, dict.fromkeys(entries, place), place)
    if isinstance(value, os.PathLike):
        return Scalar(os.fspath(value), place)
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy and JAX, neither of which has to be installed
        value = value.tolist()
    if isinstance(value, list | tuple):
        return Items(tuple(tree_of(item, place.at(index)) for index, item in enumerate(value)), place)
    if value is None or isinstance(value, str | int | float | bool):
        _refuse_half_characters(value, place)
        return Scalar(value, place)
    known = "text, numbers, true or false, null, lists and mappings"
    raise SpecError([Problem(place, f"is {value!r:.60} of type {type(value).__name__}; a sweep is made of {known}")])


def _written_fields(spec: BaseModel) -> dict[str, Any]:
    """The fields of a spec that a file would have to say: its kind, and what differs from the defaults."""
    fields = {name: (getattr(spec, name), field) for name, field in type(spec).model_fields.items()}
    return {
        name: value
        for name, (value, field) in fields.items()
        if name == "kind" or value != field.get_default(call_default_factory=True)
    }


def written_as_yaml(node: Node) -> str:
    """A tree as a YAML document."""
    return yaml.safe_dump(plain(node), sort_keys=False, allow_unicode=True, width=120)


def shown(node: Node) -> str:
    """A short text by which a user recognises a value."""
    if isinstance(node, Table):
        return f"a mapping of {', '.join(node.entries)}" if node.entries else "an empty mapping"
    text = json.dumps(plain(node), ensure_ascii=False)
    if isinstance(node, Scalar) and isinstance(node.value, str):
        inside = text[1:-1].replace('\\"', '"')
        text = f"'{inside}'"
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def read_text(path: Path) -> str:
    """The text of a sweep file.

    Raises:
        SpecError: There is no such file, or it cannot be read as text.
    """
    source = Place(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise SpecError([Problem(source, f"has more than {MOST_BYTES:,} bytes, the most of a sweep file.")])
        return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        neighbours = [str(file) for file in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise SpecError([Problem(source, f"no such file{suggestion(str(path), neighbours)}")]) from None
    except IsADirectoryError:
        raise SpecError([Problem(source, "is a folder. Give a sweep file, such as sweep.yaml.")]) from None
    except PermissionError:
        raise SpecError([Problem(source, "may not be read by this user.")]) from None
    except UnicodeDecodeError as error:
        raise SpecError([Problem(source, f"is not UTF-8 text (byte {error.start}).")]) from None


def parse(text: str, origin: Place) -> tuple[Node | None, list[Problem]]:
    """The tree of one YAML document.

    Args:
        text: YAML.
        origin: Source of the text and path of its top. Lines are counted only when `origin.line` is positive.

    Returns:
        The tree, None for an empty document, and the problems that do not prevent a tree: keys given twice, tags.

    Raises:
        SpecError: The text is not YAML.
    """
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except RecursionError:
        raise SpecError([Problem(origin, TOO_DEEP)]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise SpecError([Problem(_place(origin, mark), f"not valid YAML: {what}")]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        place = Place(origin.source, line, column, origin.path) if origin.line else origin
        raise SpecError([Problem(place, f"not valid YAML: character #x{error.character:04x} may not appear")]) from None
    if root is None:
        return None, []
    reading = _Reading(origin)
    return _tree(root, reading, origin.path, ()), reading.problems


@dataclass
class _Reading:
    """One reading of a document.

    Attributes:
        origin: Source of the text and path of its top.
        problems: Problems that do not prevent a tree.
        num_nodes: Nodes so far, those that aliases repeat included.
    """

    origin: Place
    problems: list[Problem] = field(default_factory=list)
    num_nodes: int = 0


def scalar_value(text: str) -> str | int | float | bool | None:
    """The value that a plain YAML 1.2 scalar stands for."""
    if NULL.fullmatch(text):
        return None
    if match := BOOLEAN.fullmatch(text):
        return match.group(1) is not None
    if INTEGER.fullmatch(text):
        return int(text)
    if FLOAT.fullmatch(text):
        return float(text.replace(".inf", "inf").replace(".nan", "nan") if text[-1] in "fnFN" else text)
    return text


def _place(origin: Place, mark: "yaml.Mark | None", path: str | None = None) -> Place:
    path = origin.path if path is None else path
    if mark is None or not origin.line:
        return Place(origin.source, 0, 0, path)
    return Place(origin.source, mark.line + 1, mark.column + 1, path)


def _tree(node: yaml.Node, reading: _Reading, path: str, parents: tuple[yaml.Node, ...]) -> Node:
    place = _place(reading.origin, node.start_mark, path)
    reading.num_nodes += 1
    if reading.num_nodes > MOST_NODES:
        raise SpecError([Problem(place, f"the file has over {MOST_NODES:,} values; use fewer aliases (*name)")])
    if any(node is parent for parent in parents):
        raise SpecError([Problem(place, "an alias (*name) stands inside what it names; write the values out")])
    if len(parents) > MOST_DEPTH:
        raise SpecError([Problem(place, TOO_DEEP)])
    if isinstance(node, yaml.ScalarNode):
        _refuse_tag(node, "str", place, reading.problems)
        _refuse_half_characters(node.value, place)
        return Scalar(node.value if node.style else scalar_value(node.value), place)
    if isinstance(node, yaml.SequenceNode):
        _refuse_tag(node, "seq", place, reading.problems)
        items = (_tree(item, reading, place.at(index).path, (*parents, node)) for index, item in enumerate(node.value))
        return Items(tuple(items), place)
    _refuse_tag(node, "map", place, reading.problems)
    return _table(node, reading, place, (*parents, node))


def _table(node: yaml.Node, reading: _Reading, place: Place, parents: tuple[yaml.Node, ...]) -> Table:
    entries: dict[str, Node] = {}
    keys: dict[str, Place] = {}
    merged: list[Table] = []
    for key, value in node.value:
        key_place = _place(reading.origin, key.start_mark, place.path)
        if not isinstance(key, yaml.ScalarNode):
            reading.problems.append(Problem(key_place, "a key must be a word; quote it if it holds brackets"))
            continue
        if key.value == MERGE and not key.style:
            merged += _merged_tables(_tree(value, reading, place.path, parents), key_place, reading)
            continue
        if key.value in entries:
            first = keys[key.value]
            where = f" (first in line {first.line})" if first.line else ""
            reading.problems.append(Problem(key_place, f"'{key.value}' is given twice{where}; keep one"))
            continue
        keys[key.value] = key_place
        entries[key.value] = _tree(value, reading, place.at(key.value).path, parents)
    for table in merged:
        entries = entries | {name: value for name, value in table.entries.items() if name not in entries}
        keys = {**table.keys, **keys}
    return Table(entries, keys, place)


def _merged_tables(value: Node, place: Place, reading: _Reading) -> list[Table]:
    """The mappings that a merge key takes missing keys from, the first of them first."""
    tables = value.items if isinstance(value, Items) else (value,)
    if all(isinstance(table, Table) for table in tables):
        return [table for table in tables if isinstance(table, Table)]
    reading.problems.append(Problem(place, f"'{MERGE}' merges a mapping (*name) or a list of mappings; write one"))
    return []


def _refuse_half_characters(value: Any, place: Place) -> None:
    """Refuses text that has no encoding."""
    half = HALF_CHARACTER.search(value) if isinstance(value, str) else None
    if half:
        raise SpecError(
            [Problem(place, f"holds \\u{ord(half[0]):04x}, half of a character; write the whole character")]
        )


def _refuse_tag(node: yaml.Node, expected: str, place: Place, problems: list[Problem]) -> None:
    if node.tag != f"tag:yaml.org,2002:{expected}" and node.tag != "!":
        shown = node.tag.replace("tag:yaml.org,2002:", "!!")
        problems.append(Problem(place, f"the YAML tag {shown} is not understood; write the value without it"))
