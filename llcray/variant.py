"""The base of every variant (architecture, data, noise, sampler, ...) and the identity of a validated spec.

A variant is a frozen pydantic model tagged by `kind`. Its identity is a hash of what it means: the fields that differ
from their defaults, with `kind` and `version` always present, so that a field added later leaves old ids alone and a
changed meaning raises `version`.
"""

import hashlib
import json
import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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
    """A member of a tagged union. Raise `version` when the same fields come to mean something else."""

    version: Literal[1] = 1


def identity(value: Any) -> Any:
    """The part of a spec that its id is made of, as JSON-ready data.

    Args:
        value: A validated model, or any nesting of dicts, lists and scalars in one.

    Raises:
        ValueError: A number is not finite, or a value has no stable JSON form.
    """
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        kept = {name: getattr(value, name) for name in fields if not fields[name].exclude}
        return {
            name: identity(field)
            for name, field in kept.items()
            if name in ALWAYS_IDENTIFIED or field != fields[name].get_default(call_default_factory=True)
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


def canonical_json(value: Any) -> str:
    """The identity as JSON with sorted keys and no spaces; floats by value (shortest form that reads back)."""
    return json.dumps(identity(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def seed_from(text: str) -> int:
    """A 64-bit seed that a text names."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def content_id(value: Any) -> str:
    """First 16 hex digits of SHA-256 over the canonical JSON of a validated spec."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:ID_LENGTH]
