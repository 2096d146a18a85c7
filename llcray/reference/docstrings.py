"""Docstrings of specs, read as documentation for users: the description of a kind, and the meaning of each field."""

import inspect
import re
import sys
from functools import cache

from pydantic import BaseModel

ATTRIBUTES = "Attributes:"
ENTRY = re.compile(r"^ {4}(\w+): +(.*)$")


@cache
def field_meanings(model: type[BaseModel]) -> dict[str, str]:
    """The meanings of a model's fields, each in one line, from its own docstring and those of its bases."""
    meanings: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is not BaseModel and "__doc__" in vars(base):
            meanings |= _attributes(inspect.cleandoc(base.__doc__ or ""))
    return {name: text for name, text in meanings.items() if name in model.model_fields}


def description(model: type[BaseModel]) -> str:
    """The text of a model's docstring before its attributes; paragraphs stay apart."""
    return inspect.cleandoc(model.__doc__ or "").partition(ATTRIBUTES)[0].strip()


def definition(model: type[BaseModel]) -> str:
    """The docstring of a module that holds one kind: its equation, the density that it targets, its sources.

    Empty for a kind that shares its module with others, since the module's docstring is then about all of them.
    """
    module = sys.modules[model.__module__]
    kinds = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, BaseModel)
        and value.__module__ == module.__name__
        and "kind" in value.model_fields
    ]
    return inspect.cleandoc(module.__doc__ or "") if kinds == [model] else ""


def _attributes(docstring: str) -> dict[str, str]:
    meanings: dict[str, str] = {}
    name = ""
    for line in docstring.partition(ATTRIBUTES)[2].splitlines():
        if line and not line.startswith("    "):
            break
        if entry := ENTRY.match(line):
            name = entry[1]
            meanings[name] = entry[2]
        elif name and line.strip():
            meanings[name] += f" {line.strip()}"
    return meanings
