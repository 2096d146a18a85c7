"""The reference of the sweep language: complete, and found by the names that people have."""

from io import StringIO

import pytest
from rich.console import Console

from llcray.reference import FieldEntry, RecordEntry, UnknownNameError, catalogue, look_up
from llcray.reference.docstrings import field_meanings
from llcray.reference.terminal import explain
from llcray.samplers import SGLD
from llcray.spec.aliases import KEYS

FIELDS = {entry.path: entry for record in catalogue() for entry in record.fields}


def paths(name: str) -> list[str]:
    return [".".join(entry.path) for entry in look_up(name)]


def test_every_field_says_what_it_means():
    """Catches a field that is not in the docstring of its spec: it would be a key without meaning in three places."""
    assert [".".join(path) for path, entry in FIELDS.items() if not entry.meaning] == []


def test_every_kind_says_what_it_is():
    assert [record.path for record in catalogue() if not record.description] == []


def test_a_field_has_its_default_its_range_and_its_column():
    entry = FIELDS["samplers", "sgld", "step_size"]
    assert (entry.default, entry.accepts, entry.column) == ("1.0e-05", "a number above 0", "sampler_step_size")
    assert FIELDS["posterior", "inverse_temperature"].default == "{kind: log_n}"
    assert FIELDS["targets", "trained", "data"].default == "required"
    assert FIELDS["targets", "trained", "architecture", "mlp", "widths"].column == "architecture_widths"
    assert FIELDS["replicates",].column is None


def test_meanings_of_several_lines_and_of_bases_are_read_whole():
    meanings = field_meanings(SGLD)
    assert meanings["step_size"].endswith("BlackJAX's step_size is half of it.")
    assert "higher default" in meanings["version"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("samplers.sgld", ["samplers.sgld"]),
        ("sgld", ["samplers.sgld"]),
        ("sgld.step_size", ["samplers.sgld.step_size"]),
        ("data.file", ["targets.trained.data.file"]),
        ("targets.data.file", ["targets.trained.data.file"]),
        ("samplers.0.step_size", paths("samplers.step_size")),
        ("gamma", ["posterior.localization"]),
        ("n_beta", ["posterior.inverse_temperature.n_beta"]),
        ("sgld.lr", ["samplers.sgld.step_size"]),
        ("posterior", ["posterior"]),
    ],
)
def test_a_name_is_found_by_its_path_or_its_end(name: str, found: list[str]):
    assert paths(name) == found


def test_a_word_that_several_kinds_have_finds_them_all():
    assert {"samplers.sgld.step_size", "samplers.baoab.step_size"} <= set(paths("step_size"))
    assert any(path.endswith("adam.learning_rate") for path in paths("lr"))


@pytest.mark.parametrize("alias", sorted(KEYS))
def test_every_alias_leads_to_a_key(alias: str):
    """Catches an alias of a key that has been renamed."""
    names = {path[-1] for path in FIELDS}
    assert set(KEYS[alias]) <= names
    assert look_up(alias)


@pytest.mark.parametrize(("name", "near"), [("sgdl", "sgld"), ("samplers.stepsise", "step_size"), ("", "keys of a")])
def test_an_unknown_name_gets_the_nearest(name: str, near: str):
    with pytest.raises(UnknownNameError, match=near):
        look_up(name)


def explained(name: str | None) -> str:
    stream = StringIO()
    explain(name, Console(file=stream, width=80))
    return stream.getvalue()


def test_explaining_a_sampler_gives_its_keys_and_its_equation():
    said = explained("sgld")
    assert "step_size: 1.0e-05" in said and "column sampler_step_size" in said
    assert "w <- w - (epsilon/2) P g" in said and "2308.12108" in said


def test_explaining_a_union_lists_its_kinds():
    said = explained("architecture")
    assert all(kind in said for kind in ("mlp", "convnet", "transformer"))
    assert "Independent standard normal inputs." in explained("data")


def test_explaining_nothing_lists_the_keys_of_a_file():
    said = explained(None)
    assert all(f"\n{key}: " in said for key in ("targets", "samplers", "posterior", "sampling", "components"))


def test_lines_fit_an_ordinary_terminal():
    for record in catalogue():
        name = ".".join(record.path) or None
        long = [line for line in explained(name).splitlines() if len(line) > 80 and not line.startswith(" ")]
        assert [line for line in long if ": " not in line] == []


def test_entries_are_of_two_sorts():
    assert isinstance(look_up("sgld")[0], RecordEntry)
    assert isinstance(look_up("gamma")[0], FieldEntry)
