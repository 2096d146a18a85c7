"""The base of every variant (architecture, data, noise, sampler, ...) and the identity of a validated spec.

A variant is a frozen pydantic model tagged by `kind`. Its identity is a hash of what it means: the fields that differ
from their defaults, with `kind` and `version` always present, so that a field added later leaves old ids alone and a
changed meaning raises `version`.
"""

import hashlib
import json
import math
import operator
from contextlib import suppress
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

Count = Annotated[int, Field(strict=True, ge=1)]
NonNegativeInt = Annotated[int, Field(strict=True, ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]

ID_LENGTH = 16
ALWAYS_IDENTIFIED = ("kind", "version")


class Record(BaseModel):
    """A frozen pydantic model that refuses unknown keys, infinities and NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Variant(Record):
    """A member of a tagged union.

    Attributes:
        version: The meaning that the fields of this kind have. A kind whose fields come to mean something else gives
            this attribute a higher default; a spec that names another version than the default is refused.
    """

    version: int = 1

    @field_validator("version", mode="before")
    @classmethod
    def _refuse_other_versions(cls, version: Any) -> Any:
        default = cls.model_fields["version"].default
        if version != default:
            raise PydanticCustomError("version_error", "must be {default}", {"default": default})
        return version


def identity(value: Any) -> Any:
    """Returns the part of a spec that its id is made of, as JSON-ready data.

    Args:
        value: A validated model, or any nesting of dicts, lists and scalars in one.

    Raises:
        ValueError: A number is not finite, or a value has no stable JSON form.
    """
    if isinstance(value, BaseModel):
        return {
            name: identity(getattr(value, name))
            for name, default in _identified_fields(type(value)).items()
            if name in ALWAYS_IDENTIFIED or getattr(value, name) != default
        }
    if isinstance(value, dict):
        return {str(key): identity(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [identity(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} has no identity: only finite numbers do. Give a finite number.")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"{value!r} of type {type(value).__name__} has no stable JSON form. Use numbers, text, lists.")


@cache
def _identified_fields(model: type[BaseModel]) -> dict[str, Any]:
    """The default of each field of a model that can be part of an identity, by name."""
    fields = {name: field for name, field in model.model_fields.items() if not field.exclude}
    return {name: field.get_default(call_default_factory=True) for name, field in fields.items()}


def canonical_json(value: Any) -> str:
    """Writes the identity as JSON with sorted keys and no spaces; floats in the shortest form that reads back."""
    return json.dumps(identity(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def seed_from(text: str) -> int:
    """Derives a 64-bit seed from a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def content_id(value: Any) -> str:
    """Returns the first 16 hex digits of SHA-256 over the canonical JSON of a validated spec."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:ID_LENGTH]


def whole_number(name: str, value: Any) -> int:
    """The whole number that a value of Python, NumPy or JAX is: an integer, a 0-d array of one, or 3.0.

    Raises:
        ValueError: The value is no whole number; the message begins with `name`.
    """
    if not isinstance(value, bool | str):
        try:
            return operator.index(value)
        except TypeError:
            with suppress(TypeError, ValueError):
                if float(value).is_integer():
                    return int(value)
    raise ValueError(f"{name} is {value!r:.80}; give a whole number")
