"""Columns of a run: one rule names a column for each field of its spec, by the path of the field.

* A path is joined by underscores: `sampler.step_size` is `sampler_step_size`, `sampling.until.rhat`
  `sampling_until_rhat`.
* `target` and `posterior` are left out before their parts (`architecture_kind`, `inverse_temperature_scale`) and before
  the target's `seed`, `step`, `label` and `pretraining`; other scalars of a target keep the prefix (`target_kind`,
  `target_rank`).
* A field that may be a number, a word or a record (localization) has a column `_kind` that says which one it is:
  `fixed`, the word, or the name of the record. A number stands in the column of the field; the keys of a record have
  columns with the path of the record.
* The examples that the loss is taken on are one column.
* Mappings of free form are canonical JSON. Fields that do not apply have no entry, which the dataset reads as null.
"""

import typing
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from llcray.spec import type_forms
from llcray.spec.run import RunSpec
from llcray.variant import canonical_json

Steps = tuple[str, ...]
UNNAMED = ("version", "checkpoints", "follows")
OF_TARGETS = (["seed"], ["step"], ["label"], ["pretraining"])
"""Fields of a target whose columns are named without `target`."""


def spec_columns(run: RunSpec) -> dict[str, Any]:
    """`run_id`, `target_id`, `spec` (canonical JSON) and every field of a run, by column."""
    axes = {column_name(steps): value for steps, value in _record((), run)}
    along = {"trajectory_id": run.trajectory_id, "series_id": run.series_id} if run.trajectory_id else {}
    return along | {"run_id": run.run_id, "target_id": run.target_id, "spec": canonical_json(run), **axes}


def columns_of_part(name: str, value: Any) -> dict[str, Any]:
    """The columns of one field of a run, given its value; runs of a sweep share most values."""
    mixed = dict(_named_fields(RunSpec)).get(name)
    return {} if mixed is None else {column_name(steps): cell for steps, cell in _field((name,), value, mixed)}


def column_name(steps: Steps) -> str:
    """The column of a path in a run."""
    part, *inner = steps
    left_out = part == "posterior" or (part == "target" and (len(inner) > 1 or inner in OF_TARGETS))
    return "_".join(inner if left_out else steps)


def is_mixed(form: Any) -> bool:
    """Whether a form allows numbers and, besides, words or records."""
    alternatives = type_forms.members(form)
    numeric = [member for member in alternatives if type_forms.bare(member) in (int, float)]
    worded = [member for member in alternatives if typing.get_origin(type_forms.bare(member)) is Literal]
    return bool(numeric and (worded or type_forms.models(form)))


def _record(steps: Steps, record: BaseModel) -> Iterator[tuple[Steps, Any]]:
    for name, mixed in _named_fields(type(record)):
        yield from _field((*steps, name), getattr(record, name), mixed)


@cache
def _named_fields(model: type[BaseModel]) -> tuple[tuple[str, bool], ...]:
    """Names of the fields that have columns, each with whether it is mixed."""
    fields = model.model_fields.items()
    return tuple((name, is_mixed(type_forms.field_form(field))) for name, field in fields if name not in UNNAMED)


def _field(steps: Steps, value: Any, mixed: bool) -> Iterator[tuple[Steps, Any]]:
    if getattr(value, "one_column", False):
        yield steps, value.cell()
        return
    if mixed:
        yield (*steps[:-1], f"{steps[-1]}_kind"), _sort(value)
        if isinstance(value, int | float):
            yield steps, value
    if isinstance(value, BaseModel):
        yield from _record(steps, value)
    elif not mixed and value is not None:
        yield steps, _cell(value)


def _sort(value: Any) -> str:
    if isinstance(value, BaseModel):
        return type(value).__name__.lower()
    return value if isinstance(value, str) else "fixed"


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping):
        return canonical_json(value)
    if isinstance(value, tuple):
        return canonical_json(value) if any(isinstance(item, BaseModel) for item in value) else [*map(_cell, value)]
    return str(value) if isinstance(value, Path) else value
