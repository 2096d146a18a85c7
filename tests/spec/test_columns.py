from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pyarrow as pa
import pytest
from llcray_storage.files.values import stored_row
from llcray_storage.schema.tables import RUNS, axis_column_names
from pydantic import BaseModel

from llcray.architectures import MLP, ConvNet
from llcray.data import Digits, Gaussian
from llcray.posterior.spec import PosteriorSpec, Radius
from llcray.samplers import SGLD
from llcray.sampling.spec import SamplingSpec
from llcray.spec import RunSpec, spec_columns
from llcray.spec.axis import WORDS
from llcray.spec.columns import UNNAMED, Steps, column_name, is_mixed
from llcray.spec.type_forms import bare, field_form, is_list, item_form, members, models
from llcray.targets import PythonTarget, QuadraticTarget, TargetSpec, TrainedTarget

ARROW = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}


def _fields(steps: Steps, model: type[BaseModel]) -> Iterator[tuple[Steps, Any]]:
    """Every field of every variant that a run may hold, with its annotation."""
    for name, field in model.model_fields.items():
        if name in UNNAMED:
            continue
        form = field_form(field)
        if any(getattr(inner, "one_column", False) for inner in models(form)):
            yield (*steps, name), str
            continue
        if not models(form) or is_mixed(form):
            yield (*steps, name), form
        for inner in models(form):
            yield from _fields((*steps, name), inner)


def _arrow_type(form: Any) -> pa.DataType:
    alternatives = [bare(member) for member in members(form) if member is not type(None)]
    if models(item_form(form)):
        return pa.string()
    member = next((one for one in alternatives if get_origin(one) is not Literal), alternatives[0])
    if is_list(member):
        return pa.list_(_arrow_type(item_form(member)))
    python = type(get_args(member)[0]) if get_origin(member) is Literal else member
    return ARROW.get(python, pa.string())


FIELDS = {column_name(steps): form for steps, form in _fields((), RunSpec)}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_of_every_variant_has_a_column_of_its_type(name: str) -> None:
    """Catches a new field that sweeps could vary and plots could not show."""
    assert name in RUNS.by_name, f"add a line for '{name}' to storage/llcray_storage/schema/axis.py"
    assert RUNS.by_name[name].type == _arrow_type(FIELDS[name])


def test_no_column_is_declared_twice() -> None:
    names = [column.name for column in RUNS.columns]
    assert len(names) == len(set(names))


def test_every_axis_column_is_filled_by_a_field() -> None:
    """Catches a column left behind by a renamed field."""
    measured = {"inverse_temperature", "n_beta", "num_chains"}
    to_come = set[str]()
    sorts = {f"{column_name(steps)}_kind" for steps, form in _fields((), RunSpec) if is_mixed(form)}
    assert set(axis_column_names()) - measured - to_come - sorts <= set(FIELDS)


def test_no_field_is_named_like_an_axis() -> None:
    """Catches a field that could not be written, being read as an axis."""
    assert not {steps[-1] for steps, _ in _fields((), RunSpec)} & set(WORDS)


def _run(**parts: Any) -> RunSpec:
    given = {"target": QuadraticTarget(num_params=3, seed=7), "sampler": SGLD(step_size=2e-5)}
    given |= {"posterior": PosteriorSpec(), "sampling": SamplingSpec()}
    return RunSpec(**(given | parts))


def test_columns_are_paths() -> None:
    """Catches prefixes that other packages do not expect."""
    columns = spec_columns(_run())
    assert columns["run_id"] == _run().run_id
    assert {"target_kind": "quadratic", "seed": 7, "sampling_seed": 0, "component": "all"}.items() <= columns.items()
    assert {"sampler_kind": "sgld", "sampler_step_size": 2e-5, "sampling_until_rhat": 1.02}.items() <= columns.items()
    assert {"inverse_temperature_kind": "log_n", "inverse_temperature_scale": 1.0}.items() <= columns.items()
    assert "version" not in columns and "architecture_kind" not in columns


@pytest.mark.parametrize(
    ("localization", "expected"),
    [
        ("auto", {"localization_kind": "auto"}),
        (3.0, {"localization_kind": "fixed", "localization": 3.0}),
        (Radius(radius=0.5), {"localization_kind": "radius", "localization_radius": 0.5}),
    ],
)
def test_a_localization_says_its_kind_and_its_number(localization: Any, expected: dict[str, Any]) -> None:
    """Catches text in a column of numbers."""
    columns = spec_columns(_run(posterior=PosteriorSpec(localization=localization)))
    assert {name: value for name, value in columns.items() if name.startswith("localization")} == expected


def test_arguments_of_a_python_target_are_one_column_of_json() -> None:
    """Catches free-form mappings that make columns of their own."""
    target = PythonTarget(factory="package.module:function", arguments={"width": 3, "depth": [1, 2]})
    assert spec_columns(_run(target=target))["target_arguments"] == '{"depth":[1,2],"width":3}'


@pytest.mark.parametrize(
    "target",
    [
        QuadraticTarget(eigenvalues=(1.0, 0.5)),
        TrainedTarget(data=Digits(classes=(0, 1)), architecture=ConvNet()),
        TrainedTarget(data=Gaussian(), architecture=MLP(widths=(4, 4)), teacher=MLP(num_params=500, depth=2)),
    ],
)
def test_the_dataset_takes_the_columns_of_a_run(target: TargetSpec) -> None:
    """Catches values of a type that the schema refuses when the work is done."""
    row = spec_columns(_run(target=target))
    commit = {"sweep": "s", "generation": 1, "status": "done", "nonce": "", "schema_version": 1}
    stored = stored_row(RUNS, row | commit)
    assert {name: stored[name] for name in row} == row
