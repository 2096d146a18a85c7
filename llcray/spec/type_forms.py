"""Forms: type annotations read as descriptions of YAML values, with models, keys, kinds, bounds and words for them.

The functions understand the annotations that specs are made of: models, unions of models tagged by `kind`, literals,
numbers with bounds, lists and optional values. They read annotations only; validation itself is pydantic's.
"""

import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from llcray.spec.yaml_tree import Node, Scalar, Table

NAMES = {
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    bool: "true or false",
    type(None): "null",
}


def members(form: Any) -> list[Any]:
    """The alternatives of a union, nested unions flattened, `Annotated` kept only where it holds bounds."""
    origin = typing.get_origin(form)
    if origin is Annotated:
        inner, *metadata = typing.get_args(form)
        alternatives = members(inner)
        bounds = tuple(_bounds(metadata))
        return [Annotated[alternatives[0], *bounds]] if bounds and len(alternatives) == 1 else alternatives
    if origin in (Union, types.UnionType):
        return [member for argument in typing.get_args(form) for member in members(argument)]
    return [form]


def union(forms: Sequence[Any]) -> Any:
    """The union of forms; `Any` where there is none."""
    return Union[tuple(forms)] if forms else Any  # noqa: UP007  (the members are known only at run time)


def bare(form: Any) -> Any:
    """A form without its `Annotated` wrapping."""
    return bare(typing.get_args(form)[0]) if typing.get_origin(form) is Annotated else form


def models(form: Any) -> list[type[BaseModel]]:
    """The models a value of this form may be."""
    return [member for member in members(form) if isinstance(member, type) and issubclass(member, BaseModel)]


def kind_of(model: type[BaseModel]) -> str | None:
    """The `kind` of a variant, None for a record without one."""
    kinds = typing.get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()
    return str(kinds[0]) if kinds else None


def kinds(form: Any) -> list[str]:
    """The kinds that a value of this form may have."""
    return [kind for model in models(form) if (kind := kind_of(model)) is not None]


def described_by(form: Any, node: Node) -> list[type[BaseModel]]:
    """The models that a mapping may mean: the one that its `kind` names if that is a known kind, else all."""
    candidates = models(form)
    kind = node.entries.get("kind") if isinstance(node, Table) else None
    named = [model for model in candidates if isinstance(kind, Scalar) and kind_of(model) == kind.value]
    return named or candidates


def key_form(candidates: Sequence[type[BaseModel]], key: str) -> Any:
    """The form of a key's value in these models; `Any` for a key none of them has."""
    return union([field_form(model.model_fields[key]) for model in candidates if key in model.model_fields])


def field_form(field: FieldInfo) -> Any:
    """A model field's annotation with the bounds that pydantic keeps beside it."""
    bounds = tuple(_bounds(field.metadata))
    return Annotated[field.annotation, *bounds] if bounds else field.annotation


def item_form(form: Any, index: int = 0) -> Any:
    """The form of an item of a list; `index` matters for tuples of fixed length."""
    for member in members(form):
        arguments = typing.get_args(bare(member))
        if is_list(member) and arguments:
            fixed = typing.get_origin(bare(member)) is tuple and arguments[-1] is not Ellipsis
            return arguments[min(index, len(arguments) - 1)] if fixed else arguments[0]
    return Any


def is_list(form: Any) -> bool:
    """Whether values of this single form are lists."""
    origin = typing.get_origin(bare(form)) or bare(form)
    return origin in (list, tuple, set, frozenset, Sequence)


def takes_variants_only(form: Any) -> bool:
    """Whether a list in this place can only mean alternatives: a model belongs here and a list does not."""
    alternatives = members(form)
    return bool(models(form)) and not any(member is Any or is_list(member) for member in alternatives)


def choices(form: Any) -> list[str]:
    """The words that a value of this form may be."""
    literals = [bare(member) for member in members(form) if typing.get_origin(bare(member)) is Literal]
    return [str(choice) for literal in literals for choice in typing.get_args(literal)]


def describe(form: Any) -> str:
    """A description of a form in words: `'auto', a number from 0 or a mapping with radius`."""
    others = [member for member in members(form) if member is not type(None) and member not in models(form)]
    untagged = [model for model in models(form) if kind_of(model) is None]
    words = [_describe(member) for member in [*others, *untagged]]
    return _either([*words, *([f"a mapping {{kind: {_either(kinds(form))}, ...}}"] if kinds(form) else [])])


def _either(words: Sequence[str]) -> str:
    unlike = list(dict.fromkeys(words))
    return " or ".join([", ".join(unlike[:-1]), unlike[-1]] if len(unlike) > 1 else unlike)


def _describe(form: Any) -> str:
    inner = bare(form)
    if typing.get_origin(inner) is Literal:
        return _either([repr(choice) for choice in typing.get_args(inner)])
    if is_list(inner):
        item = item_form(inner)
        return "a list" if item is Any else f"a list, each item {describe(item)}"
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        required = [name for name, field in inner.model_fields.items() if field.is_required()]
        return f"a mapping with {', '.join(required or [name for name in inner.model_fields if name != 'version'])}"
    if inner is Any:
        return "a value"
    return NAMES.get(inner, "a mapping" if typing.get_origin(inner) is dict else str(inner)) + _range(form)


def _range(form: Any) -> str:
    """The bounds in words; of several on one side, the narrowest."""
    metadata = form.__metadata__ if typing.get_origin(form) is Annotated else ()
    below = {annotated_types.Gt: "above", annotated_types.Ge: "from"}
    above = {annotated_types.Lt: "below", annotated_types.Le: "up to"}
    parts = []
    for words, narrowest in ((below, max), (above, min)):
        bounds = [bound for bound in metadata if type(bound) in words]
        if bounds:
            bound = narrowest(bounds, key=_value)
            parts.append(f" {words[type(bound)]} {_value(bound):g}")
    return "".join(parts)


def _value(bound: Any) -> float:
    return next(getattr(bound, name) for name in ("gt", "ge", "lt", "le") if hasattr(bound, name))


def _bounds(metadata: Sequence[Any]) -> Iterator[Any]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _bounds(item.metadata)
        elif isinstance(item, annotated_types.Gt | annotated_types.Ge | annotated_types.Lt | annotated_types.Le):
            yield item
