"""Messages for mistakes: each names the thing, the value, the reason, and what to write instead."""

from typing import Any

from pydantic_core import ErrorDetails

from llcray.spec import axis, type_forms
from llcray.spec.aliases import meant_by
from llcray.spec.problems import Problem, suggestion
from llcray.spec.sweep import NAME
from llcray.spec.yaml_tree import Items, Node, Scalar, Table, plain, scalar_value, shown

BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
LENGTHS = {"too_short": ("at least", "min_length"), "too_long": ("at most", "max_length")}
PATTERNS = {
    NAME: "letters, digits, '_', '.' and '-' alone, with a letter or digit first",
    r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$": "a function of a module, written package.module:function",
    "^[0-9a-f]{64}$": "the 64 hexadecimal digits that sha256sum prints",
}
"""What texts of a pattern are, in words."""


def problem(error: ErrorDetails, form: Any, node: Node) -> Problem:
    """The problem that a pydantic error found in a node that was to have a form."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(form, node, str(error["loc"][-1]))
    if kind == "missing":
        return _missing_key(form, node, str(error["loc"][-1]))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _kind(form, node)
    if kind in BOUNDS:
        word, key = BOUNDS[kind]
        return Problem(node.place, f"must be {word} {context[key]:g}; got {shown(node)}")
    if kind.removeprefix("string_") in LENGTHS and kind not in LENGTHS:
        word, key = LENGTHS[kind.removeprefix("string_")]
        characters = "character" if context[key] == 1 else "characters"
        return Problem(node.place, f"must have {word} {context[key]} {characters}; got {shown(node)}")
    if kind == "string_pattern_mismatch" and context["pattern"] in PATTERNS:
        return Problem(node.place, f"must be {PATTERNS[context['pattern']]}; got {shown(node)}")
    if kind in LENGTHS:
        word, key = LENGTHS[kind]
        items = "item" if context[key] == 1 else "items"
        return Problem(node.place, f"must have {word} {context[key]} {items}; got {context['actual_length']}")
    if kind in ("value_error", "assertion_error"):
        return Problem(node.place, str(context["error"]))
    if kind == "finite_number":
        return Problem(node.place, f"must be a finite number; got {shown(node)}")
    if kind.endswith(("_type", "_parsing", "_from_float")) or kind == "literal_error":
        return mismatch(form, node)
    return Problem(node.place, f"{error['msg'][:1].lower()}{error['msg'][1:]}; got {shown(node)}")


def mismatch(form: Any, node: Node) -> Problem:
    """The problem of a value of another sort than its place asks for."""
    if node == Scalar(None, node.place):
        return Problem(node.place, f"is empty: must be {type_forms.describe(form)}")
    return Problem(node.place, f"must be {type_forms.describe(form)}; got {shown(node)}{_remedy(form, node)}")


def _remedy(form: Any, node: Node) -> str:
    if isinstance(node, Table) and any(type_forms.is_list(member) for member in type_forms.members(form)):
        return "; begin each item with '- '"
    if isinstance(node, Table):
        axes = [close for key in node.entries if (close := suggestion(key, axis.WORDS))]
        return axes[0] if axes else ""
    if isinstance(node, Items):
        return f"; to try several values write {{grid: {shown(node)}}}"
    value = str(node.value)
    if type_forms.kinds(form):
        return (
            f"; write {{kind: {value}}}"
            if value in type_forms.kinds(form)
            else suggestion(value, type_forms.kinds(form))
        )
    if len(lists := [member for member in type_forms.members(form) if type_forms.is_list(member)]) == 1:
        item = type_forms.item_form(lists[0])
        return f"; write [{value}]" if isinstance(node.value, str) and str in type_forms.members(item) else ""
    if isinstance(scalar_value(value), int | float) and isinstance(node.value, str):
        return "; write it without quotes"
    return suggestion(value, type_forms.choices(form))


def _unknown_key(form: Any, node: Node, key: str) -> Problem:
    place = node.keys[key] if isinstance(node, Table) and key in node.keys else node.place
    known = [name for model in type_forms.models(form) for name in model.model_fields]
    known = list(dict.fromkeys(name for name in known if name != "version"))
    meant = meant_by(key, known)
    remedy = f"; {meant}" if meant else suggestion(key, known) or f"; known keys: {', '.join(known)}"
    return Problem(place, f"unknown key '{key}'{remedy}")


def _missing_key(form: Any, node: Node, key: str) -> Problem:
    return Problem(
        node.place, f"'{key}' is missing: {type_forms.describe(type_forms.key_form(type_forms.models(form), key))}"
    )


def _kind(form: Any, node: Node) -> Problem:
    choices = ", ".join(type_forms.kinds(form))
    kind = node.entries.get("kind") if isinstance(node, Table) else None
    if kind is None:
        return Problem(node.place, f"'kind' is missing; choose one of {choices}")
    close = suggestion(str(plain(kind)), type_forms.kinds(form)) or ";"
    return Problem(kind.place, f"unknown kind {shown(kind)}{close} choose one of {choices}")
