"""The catalogue of the sweep language: every mapping that a sweep file may hold, with its keys, in the file's order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from pydantic import BaseModel

from llcray.reference.docstrings import definition, description, field_meanings
from llcray.spec import type_forms
from llcray.spec.columns import Steps, column_name
from llcray.spec.sweep import VARIANTS, SweepFile
from llcray.variant import identity

HIDDEN = ("kind", "version")
REQUIRED = "required"
PARTS_OF_A_RUN = {"targets": "target", "samplers": "sampler", "posterior": "posterior", "sampling": "sampling"}
"""Keys of a sweep file whose fields are columns of table `runs`, and the field of a run that each becomes."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class FieldEntry:
    """A key of a mapping.

    Attributes:
        path: Names from the top of the file, without numbers: `("samplers", "sgld", "step_size")`.
        accepts: What a value may be, in words.
        default: The default as YAML, or `required`.
        meaning: What the value does, with its unit where it has one.
        column: The column of table `runs` that holds the value; None where there is none.
        kinds: Kinds that a value may have, for a value that is a mapping with `kind`.
    """

    path: Path
    accepts: str
    default: str
    meaning: str
    column: str | None
    kinds: tuple[str, ...]

    @property
    def name(self) -> str:
        """The key."""
        return self.path[-1]

    @property
    def is_required(self) -> bool:
        """Whether the key has no default."""
        return self.default == REQUIRED


@dataclass(frozen=True)
class RecordEntry:
    """A mapping: one kind of a union, or a record without a kind.

    Attributes:
        path: Names from the top of the file; the last is the kind, where there is one.
        model: The spec.
        kind: The kind; None for a record that has none.
        description: What the mapping stands for.
        definition: Equation, density and sources, where the kind has a module of its own.
        fields: Its keys.
    """

    path: Path
    model: type[BaseModel]
    kind: str | None
    description: str
    definition: str
    fields: tuple[FieldEntry, ...]

    @property
    def family(self) -> Path:
        """The path of the union that the kind belongs to; the path itself of a record without a kind."""
        return self.path[:-1] if self.kind else self.path


@cache
def catalogue() -> tuple[RecordEntry, ...]:
    """Every mapping at every place where it may stand, the top level of a file first."""
    return tuple(_records((), (), SweepFile))


def families() -> Mapping[Path, tuple[RecordEntry, ...]]:
    """Every mapping once, at the first place where it may stand, by the path of its family."""
    first: dict[type[BaseModel], RecordEntry] = {}
    for record in catalogue():
        first.setdefault(record.model, record)
    groups: dict[Path, list[RecordEntry]] = {}
    for record in first.values():
        groups.setdefault(record.family, []).append(record)
    return {family: tuple(records) for family, records in groups.items()}


def form_of(model: type[BaseModel], name: str) -> Any:
    """The form of the value of a key; at the top of a file, of the variants that the key holds."""
    if model is SweepFile and name in VARIANTS:
        return VARIANTS[name]
    return type_forms.field_form(model.model_fields[name])


def models_in(form: Any) -> list[type[BaseModel]]:
    """The models that a value of this form may be, or be a list of."""
    found = type_forms.models(form)
    item = type_forms.item_form(form)
    return found or ([] if item is Any else type_forms.models(item))


def default_of(model: type[BaseModel], name: str) -> Any:
    """The default of a field that has one."""
    return model.model_fields[name].get_default(call_default_factory=True)


def written(value: Any) -> Any:
    """A validated value as a file would write it: mappings, lists and scalars, defaults of specs left out."""
    if isinstance(value, BaseModel):
        return {name: item for name, item in identity(value).items() if name != "version"}
    return [written(item) for item in value] if isinstance(value, list | tuple) else value


def as_yaml(value: Any) -> str:
    """A validated value as YAML in one line."""
    text = yaml.safe_dump(written(value), default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def _records(path: Path, steps: Steps, model: type[BaseModel]) -> Iterator[RecordEntry]:
    """The entry of a model at a path, and those of the models in its fields.

    Args:
        path: Names from the top of a file.
        steps: Names from the top of a run, where the model is a part of one; else empty.
        model: The model.
    """
    names = [name for name in model.model_fields if name not in HIDDEN]
    yield RecordEntry(
        path=path,
        model=model,
        kind=type_forms.kind_of(model),
        description=description(model),
        definition=definition(model),
        fields=tuple(_field((*path, name), _inner_steps(steps, model, name), model) for name in names),
    )
    for name in names:
        for inner in models_in(form_of(model, name)):
            kind = type_forms.kind_of(inner)
            inner_path = (*path, name, kind) if kind else (*path, name)
            yield from _records(inner_path, _inner_steps(steps, model, name), inner)


def _field(path: Path, steps: Steps, model: type[BaseModel]) -> FieldEntry:
    name = path[-1]
    form = form_of(model, name)
    return FieldEntry(
        path=path,
        accepts=type_forms.describe(form),
        default=REQUIRED if model.model_fields[name].is_required() else as_yaml(default_of(model, name)),
        meaning=field_meanings(model).get(name, ""),
        column=_column(steps),
        kinds=tuple(kind for inner in models_in(form) if (kind := type_forms.kind_of(inner))),
    )


def _inner_steps(steps: Steps, model: type[BaseModel], name: str) -> Steps:
    if model is SweepFile:
        return (PARTS_OF_A_RUN[name],) if name in PARTS_OF_A_RUN else ()
    return (*steps, name) if steps else ()


def _column(steps: Steps) -> str | None:
    from llcray_storage.schema.tables import RUNS

    name = column_name(steps) if steps else ""
    return name if name in RUNS.by_name else None
