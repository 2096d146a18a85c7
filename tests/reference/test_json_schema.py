"""The JSON Schema of sweep files, by an independent validator: it takes what llcray takes, and points at mistakes."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from llcray.reference import catalogue, json_schema
from llcray.reference.catalogue import REQUIRED
from llcray.spec import SpecError, load_sweep
from llcray.spec.problems import Place
from llcray.spec.yaml_tree import parse, plain

ROOT = Path(__file__).parents[2]
SHIPPED = [*sorted((ROOT / "experiments").glob("*.yaml"))]
VALIDATOR = Draft7Validator(json_schema())
SWEEP: dict[str, Any] = {
    "question": "?",
    "targets": [
        {
            "architecture": {"kind": "mlp", "widths": [{"grid": [4, 8]}]},
            "data": {"kind": "digits"},
            "noise": {"kind": "label_flip", "rate": {"zip": [0.1, 0.2]}},
            "training": [{"kind": "adam"}, {"kind": "sgd", "learning_rate": {"log_uniform": [0.01, 0.1], "num": 2}}],
        },
        {"kind": "quadratic", "num_params": 3},
    ],
    "samplers": [{"kind": "auto"}],
}


def written(path: Path) -> Any:
    node, _ = parse(path.read_text(), Place(str(path), 1, 1))
    assert node is not None
    return plain(node)


def changed(**top: Any) -> dict[str, Any]:
    return json.loads(json.dumps(SWEEP | top))


def test_the_schema_is_one():
    Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_ships_is_valid(path: Path):
    assert [error.message for error in VALIDATOR.iter_errors(written(path))] == []


def test_axes_are_valid_wherever_llcray_takes_them(tmp_path: Path):
    """Catches axes that an editor would underline: in lists, in place of variants, around them, in samplers."""
    axes = changed(
        samplers=[{"grid": [{"kind": "hmc"}, {"kind": "sgld", "step_size": {"grid": [1e-5, 1e-6]}}]}],
        posterior={"localization": {"grid": ["auto", 100.0, {"radius": 1.0}]}},
        sampling={"num_chains": {"uniform": [2, 8], "num": 2}},
    )
    for sweep in (SWEEP, axes):
        assert [error.message for error in VALIDATOR.iter_errors(sweep)] == []
        assert load_sweep({"name": "axes"} | sweep).runs


BROKEN = {
    "an unknown key": (changed(dezign="product"), ""),
    "a missing key": ({name: value for name, value in SWEEP.items() if name != "targets"}, ""),
    "an unknown kind": (changed(samplers=[{"kind": "hcm"}]), "samplers.0"),
    "a missing kind": (changed(samplers=[{}]), "samplers.0"),
    "an unknown field": (changed(samplers=[{"kind": "sgld", "lr": 1e-5}]), "samplers.0"),
    "a number out of range": (changed(samplers=[{"kind": "sgld", "step_size": -1}]), "samplers.0.step_size"),
    "a wrong word": (changed(samplers=[{"kind": "sgld", "gradient": "full"}]), "samplers.0.gradient"),
    "text for a number": (changed(samplers=[{"kind": "sgld", "step_size": "small"}]), "samplers.0.step_size"),
    "a fraction for a count": (changed(sampling={"num_chains": 2.5}), "sampling.num_chains"),
    "a wrong value in an axis": (
        changed(posterior={"localization": {"grid": [1.0, "autp"]}}),
        "posterior.localization",
    ),
    "an axis without its number": (changed(sampling={"num_chains": {"uniform": [1, 2]}}), "sampling.num_chains"),
    "an axis at the top": (changed(replicates={"grid": [1, 2]}), "replicates"),
    "a nested mistake": (
        changed(targets=[{"data": {"kind": "digits"}, "architecture": {"kind": "mlp", "widths": [0]}}]),
        "targets.0",
    ),
    "an empty list": (changed(targets=[]), "targets"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_where_it_is_by_schema_and_loader_alike(name: str):
    sweep, place = BROKEN[name]
    error = best_match(VALIDATOR.iter_errors(sweep))
    assert error is not None
    found = ".".join(map(str, error.absolute_path))
    assert found.startswith(place) or place.startswith(found)
    with pytest.raises(SpecError):
        load_sweep({"name": "broken"} | sweep)


def test_every_kind_is_in_the_schema_with_its_fields():
    definitions = VALIDATOR.schema["$defs"]  # pyright: ignore[reportIndexIssue, reportArgumentType]
    for record in catalogue()[1:]:
        name = record.model.__name__
        schema = definitions.get(name) or definitions[f"plain.{name}"]
        assert {entry.name for entry in record.fields} <= set(schema["properties"])
        required = {entry.name for entry in record.fields if entry.default == REQUIRED}
        assert required <= set(schema.get("required", []))
        assert schema["description"]


def test_models_of_one_name_are_one_model():
    """Definitions are named by the class: two classes of one name would share a definition."""
    models = {record.model for record in catalogue()}
    assert len({model.__name__ for model in models}) == len(models)
