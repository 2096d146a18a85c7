"""YAML with positions."""

from pathlib import Path
from typing import Any

import pytest

from llcray.spec.problems import Place, SpecError
from llcray.spec.yaml_tree import Items, Table, parse, plain, read_text

FILE = Place("sweep.yaml", 1, 1)


def _read(text: str) -> Any:
    node, problems = parse(text, FILE)
    assert node is not None and not problems
    return plain(node)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E+3", 1000.0),
        (".5", 0.5),
        ("3", 3),
        ("-.inf", float("-inf")),
        ("true", True),
        ("no", "no"),
        ("on", "on"),
        ("'3'", "3"),
        ("~", None),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
    ],
)
def test_scalars_are_read_as_yaml_1_2_does(text: str, value: Any) -> None:
    """Catches YAML 1.1: `1e-5` as text, `no` as false, `12:30` as 750."""
    read = _read(f"key: {text}")["key"]
    assert read == value and type(read) is type(value)


def test_every_value_knows_its_place_and_path() -> None:
    """Catches positions that are off by one, or lost in nested lists."""
    root, _ = parse("targets:\n  - seed: 3\n    widths: [4, 5]\n", FILE)
    assert isinstance(root, Table) and isinstance(root.entries["targets"], Items)
    target = root.entries["targets"].items[0]
    assert isinstance(target, Table) and isinstance(target.entries["widths"], Items)
    assert (target.keys["widths"].line, target.keys["widths"].column) == (3, 5)
    last = target.entries["widths"].items[1].place
    assert (str(last), last.path) == ("sweep.yaml:3:17", "targets.0.widths.1")


def test_a_key_given_twice_is_named_with_both_places() -> None:
    """Catches YAML's silent last-one-wins."""
    _, problems = parse("a: 1\nb: 2\na: 3\n", FILE)
    assert [str(problem) for problem in problems] == ["sweep.yaml:3:1: 'a' is given twice (first in line 1); keep one"]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: [1, 2\nb: 3", "sweep.yaml:2:2: not valid YAML: "),
        ("a:\n\t- 3", "sweep.yaml:2:1: not valid YAML: "),
        ("a: *b", "sweep.yaml:1:4: not valid YAML: "),
        ("a: \x07", "sweep.yaml:1:4: not valid YAML: "),
        ("a: 1\n---\nb: 2", "sweep.yaml:2:1: not valid YAML: "),
        ("a: &a [*a]", "sweep.yaml:1:4: a.0: an alias"),
    ],
)
def test_broken_yaml_is_one_line_with_its_place(text: str, start: str) -> None:
    """Catches tracebacks and multi-line YAML messages."""
    with pytest.raises(SpecError) as caught:
        parse(text, FILE)
    assert str(caught.value).startswith(start) and "\n" not in str(caught.value)


def test_tags_are_refused() -> None:
    """Catches `!!float` and Python objects slipping through."""
    _, problems = parse("a: !!float 3", FILE)
    assert "the YAML tag !!float is not understood" in str(problems[0])


def test_an_unknown_file_is_named_with_its_nearest_neighbour(tmp_path: Path) -> None:
    """Catches a bare FileNotFoundError."""
    (tmp_path / "quickstart.yaml").touch()
    with pytest.raises(SpecError, match=r"quickstrt.yaml: no such file; did you mean '.*quickstart.yaml'"):
        read_text(tmp_path / "quickstrt.yaml")
    with pytest.raises(SpecError, match="is a folder"):
        read_text(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(SpecError, match="is not UTF-8 text"):
        read_text(tmp_path / "latin.yaml")


MERGES = {
    "one mapping": ("a: &a {k: 1, m: 2}\nb:\n  <<: *a\n  m: 3\n", {"k": 1, "m": 3}),
    "written before the merge": ("a: &a {k: 1, m: 2}\nb:\n  m: 3\n  <<: *a\n", {"k": 1, "m": 3}),
    "a list, whose first has precedence": ("a: [&a {k: 1}, &c {k: 2, n: 4}]\nb: {<<: [*a, *c]}\n", {"k": 1, "n": 4}),
    "a merge of a merge": ("a: &a {k: 1}\nc: &c {<<: *a, m: 2}\nb: {<<: *c}\n", {"k": 1, "m": 2}),
    "a quoted key is a key": ("a: 1\nb: {'<<': 2}\n", {"<<": 2}),
}


@pytest.mark.parametrize(("text", "value"), MERGES.values(), ids=MERGES)
def test_merge_keys_give_what_is_not_written_beside_them(text: str, value: Any) -> None:
    assert _read(text)["b"] == value


@pytest.mark.parametrize("merged", ["3", "[1, 2]", "text"])
def test_a_merge_of_what_is_no_mapping_is_one_problem_at_its_key(merged: str) -> None:
    node, problems = parse(f"a: {{k: 1, <<: {merged}}}\n", FILE)
    assert node is not None and plain(node) == {"a": {"k": 1}}
    [problem] = problems
    assert "'<<' merges a mapping" in problem.message and problem.place.line == 1
