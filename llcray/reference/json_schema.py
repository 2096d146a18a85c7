"""JSON Schema (draft 7) of sweep files, for completion and checks in editors.

The schemas of single values are pydantic's. Added to them are what pydantic does not know: the axes that may stand in
place of any value of a variant, lists of variants, that `kind` is required, and the meanings of fields.

What follows from several values together (a batch larger than the data, a file that is missing) is no part of a schema;
`llcray plan` says it.
"""

from typing import Any

from pydantic import BaseModel, TypeAdapter

from llcray.reference.catalogue import catalogue, default_of, written
from llcray.reference.docstrings import description, field_meanings
from llcray.spec import type_forms
from llcray.spec.axis import DRAWN, WRITTEN_OUT
from llcray.spec.sweep import VARIANTS, SweepFile
from llcray.targets import TrainedTarget

DRAFT = "http://json-schema.org/draft-07/schema#"
VARIED, PLAIN = "", "plain."
"""Prefixes of the definitions of models whose values may be axes, and of models without axes."""
DRAWN_AXIS = "axis.drawn"
KIND_MAY_BE_LEFT_OUT = (TrainedTarget,)
Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema of a sweep file."""
    definitions: dict[str, Schema] = {DRAWN_AXIS: _drawn_axis()}
    for record in catalogue()[1:]:
        prefix = VARIED if record.path[0] in VARIANTS else PLAIN
        name = f"{prefix}{record.model.__name__}"
        if name not in definitions:
            definitions[name] = _record(record.model, prefix, definitions)
    sweep = _record(SweepFile, PLAIN, definitions)
    for key, form in VARIANTS.items():
        scope = _simplified(TypeAdapter(form).json_schema(ref_template=_template(VARIED)))
        models = type_forms.models(form)
        scope = {"$ref": _reference(models[0].__name__)} if len(models) == 1 else {"anyOf": scope["anyOf"]}
        reference = _with_axes(scope, form, f"sweep.{key}", definitions)
        sweep["properties"][key] |= {"items": reference} if key in ("targets", "samplers") else {"allOf": [reference]}
    return {"$schema": DRAFT, "title": "A sweep of llcray", **sweep, "$defs": definitions}


def _record(model: type[BaseModel], prefix: str, definitions: dict[str, Schema]) -> Schema:
    """The schema of a mapping; definitions that it needs are added to `definitions`."""
    schema = _simplified(model.model_json_schema(ref_template=_template(prefix)))
    schema.pop("$defs", None)
    meanings = field_meanings(model)
    properties: dict[str, Schema] = schema.get("properties", {})
    for name, value in properties.items():
        if name == "version":
            properties[name] = {"const": default_of(model, name)}
            continue
        field = model.model_fields[name]
        described = {"description": meanings[name]} if name in meanings else {}
        if "default" in value:
            described["default"] = written(default_of(model, name))
        if prefix == VARIED and name != "kind":
            key = f"{model.__name__}.{name}"
            properties[name] = _with_axes(value, type_forms.field_form(field), key, definitions)
            definitions[key] |= described
        else:
            properties[name] = value | described
    if "kind" in properties and model not in KIND_MAY_BE_LEFT_OUT:
        schema["required"] = ["kind", *schema.get("required", [])]
    return schema | {"description": description(model)}


def _with_axes(value: Schema, form: Any, key: str, definitions: dict[str, Schema]) -> Schema:
    """A reference to the definition `key`, which this call makes: the value, or an axis of such values."""
    reference = {"$ref": _reference(key)}
    alternatives = [_items_with_axes(each, form, key, definitions) for each in value.pop("anyOf", [value]) if each]
    alternatives += [_written_out(word, reference) for word in WRITTEN_OUT]
    if any(type_forms.bare(member) in (int, float) for member in type_forms.members(form)):
        alternatives.append({"$ref": _reference(DRAWN_AXIS)})
    if type_forms.takes_variants_only(form):
        alternatives.append({"type": "array", "minItems": 1, "items": reference})
    definitions[key] = {"anyOf": alternatives}
    return reference


def _items_with_axes(value: Schema, form: Any, key: str, definitions: dict[str, Schema]) -> Schema:
    if value.get("type") != "array" or "items" not in value:
        return value
    item = _with_axes(value["items"], type_forms.item_form(form), f"{key}.item", definitions)
    return value | {"items": item}


def _written_out(word: str, value: Schema) -> Schema:
    body = {"type": "array", "minItems": 1, "items": value}
    return {"type": "object", "properties": {word: body}, "required": [word], "additionalProperties": False}


def _drawn_axis() -> Schema:
    bounds = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    number = {"type": "integer", "minimum": 1}
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": {word: bounds, "num": number},
                "required": [word, "num"],
                "additionalProperties": False,
            }
            for word in DRAWN
        ]
    }


def _simplified(schema: Any) -> Any:
    """A schema of pydantic's without titles and discriminators, whose unions are all `anyOf`."""
    if isinstance(schema, list):
        return [_simplified(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.items() if name != "discriminator" and not _is_title(name, value)}
    return {"anyOf" if name == "oneOf" else name: _simplified(value) for name, value in kept.items()}


def _is_title(name: str, value: Any) -> bool:
    return name == "title" and isinstance(value, str)


def _template(prefix: str) -> str:
    return _reference(f"{prefix}{{model}}")


def _reference(name: str) -> str:
    return f"#/$defs/{name}"
