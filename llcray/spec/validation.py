"""Validation of a concrete variant against its pydantic type; pydantic's errors become problems a user can act on.

Validation is strict, as of JSON: `true` is no number, `"3"` is text, `2.0` is no count, and `3` is a float.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from llcray.spec import messages, type_forms
from llcray.spec.problems import Problem, SpecError, suggestion
from llcray.spec.yaml_tree import Items, Node, Table, plain

T = TypeVar("T")
OF_A_KEY = ("missing", "extra_forbidden")


class Form(Generic[T]):
    """A type that YAML is validated against: a model, or a union tagged by `kind`. Made once, it reads many nodes."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self._adapter: TypeAdapter[T] = TypeAdapter(annotation)

    def read(self, node: Node) -> T:
        """The validated value of a node.

        Raises:
            SpecError: The node has mistakes; the error holds all of them.
        """
        try:
            return self._adapter.validate_json(json.dumps(plain(node)), strict=True)
        except ValidationError as error:
            raise SpecError(_problems(self.annotation, node, error.errors(include_url=False))) from None


class _Untagged(NamedTuple):
    """A union without tags on the way to an error; pydantic reports the errors of each of its members.

    Attributes:
        form: The union.
        node: The value that was written for the union.
        tried_model: Whether the error comes from a member that is a model.
    """

    form: Any
    node: Node
    tried_model: bool


@dataclass(frozen=True)
class _LocatedError:
    """A pydantic error at its node.

    Attributes:
        error: The error as pydantic gave it.
        form: The form that the node was to have.
        node: The value that was written; the mapping, when the error is about one of its keys.
        untagged: The first untagged union on the way to the node.
    """

    error: ErrorDetails
    form: Any
    node: Node
    untagged: _Untagged | None

    def problem(self) -> Problem:
        return messages.problem(self.error, self.form, self.node)


def _problems(form: Any, node: Node, errors: Sequence[ErrorDetails]) -> list[Problem]:
    everywhere = [_locate(form, node, error) for error in errors]
    counted = [error for error in everywhere if not _miscounts(error)]
    located = [error for error in counted if not _is_misspelt(error, counted)]
    problems = [error.problem() for error in located if error.untagged is None]
    unions: dict[int, list[_LocatedError]] = {}
    for error in located:
        if error.untagged is not None:
            unions.setdefault(id(error.untagged.node), []).append(error)
    return problems + [
        problem for errors_of_union in unions.values() for problem in _problems_of_union(errors_of_union)
    ]


def _miscounts(located: _LocatedError) -> bool:
    """Whether an error calls a list too short only because pydantic does not count the list's wrong items.

    The wrong items have errors of their own.
    """
    items = located.node.items if isinstance(located.node, Items) else ()
    return located.error["type"] == "too_short" and located.error.get("ctx", {})["actual_length"] < len(items)


def _is_misspelt(missing: _LocatedError, located: Sequence[_LocatedError]) -> bool:
    """Whether a missing key is there but misspelt, which is one mistake and reported as an unknown key."""
    if missing.error["type"] != "missing":
        return False
    unknown = [other for other in located if other.error["type"] == "extra_forbidden" and other.node is missing.node]
    return any(suggestion(str(other.error["loc"][-1]), [str(missing.error["loc"][-1])]) for other in unknown)


def _problems_of_union(errors: Sequence[_LocatedError]) -> list[Problem]:
    """The problems of the member that was meant; when none is recognisably meant, one that names all members."""
    assert errors[0].untagged is not None
    form, node, _ = errors[0].untagged
    if isinstance(node, Table):
        meant = [located for located in errors if located.untagged and located.untagged.tried_model]
    else:
        meant = [located for located in errors if located.error["type"] in messages.BOUNDS or located.node is not node]
    return [located.problem() for located in meant] or [messages.mismatch(form, node)]


def _locate(form: Any, node: Node, error: ErrorDetails) -> _LocatedError:
    """The error with its form and node, found by walking down the location that pydantic gives.

    Besides keys and indices that location names members of unions.
    """
    untagged = None
    for step in error["loc"][:-1] if error["type"] in OF_A_KEY else error["loc"]:
        alternatives = [member for member in type_forms.members(form) if member is not type(None)]
        if len(alternatives) > 1:
            chosen = [
                model for model in type_forms.models(form) if _names(step, type_forms.kind_of(model), model.__name__)
            ]
            if untagged is None and len(type_forms.kinds(form)) < len(alternatives):
                untagged = _Untagged(form, node, bool(chosen))
            lists = [member for member in alternatives if type_forms.is_list(member) and isinstance(node, Items)]
            form = (chosen or lists or [Any])[0]
        elif isinstance(node, Table) and step in node.entries:
            form, node = type_forms.key_form(type_forms.models(form), str(step)), node.entries[str(step)]
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.items):
            form, node = type_forms.item_form(form, step), node.items[step]
        else:
            break
    return _LocatedError(error, form, node, untagged)


def _names(step: str | int, kind: str | None, name: str) -> bool:
    return step == kind or name in re.findall(r"\w+", str(step))
