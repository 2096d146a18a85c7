"""Filters as people write them, such as `activation == "relu" and num_data >= 5000`, as polars expressions.

Python's comparison syntax; `and`, `or`, `not`, `in`, `is null` in any case; a single `=`, `<>`, `&&` and `||` mean what
they mean in SQL or C. Nothing is evaluated: the text becomes a tree of comparisons of columns with values.
"""

import ast
import io
import operator
import re
import tokenize
from collections.abc import Callable
from functools import reduce
from typing import Any

import polars as pl
from llcray_storage.schema.tables import RUNS

from llcray.report.columns import SAMPLER, is_list, is_number, resolve
from llcray.report.errors import ReportError

WORDS = {
    "AND": "and",
    "OR": "or",
    "NOT": "not",
    "IN": "in",
    "IS": "is",
    "NULL": "None",
    "TRUE": "True",
    "FALSE": "False",
}
SIGNS = {"=": "==", "&&": " and ", "||": " or ", "<>": "!="}
QUOTED_OR_SIGN = re.compile(r"""("[^"]*"|'[^']*')|(&&|\|\||<>|(?<![<>=!])=(?!=))""")
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
HINT = 'write for example: activation == "relu" and num_data >= 5000'


def parse_filter(text: str) -> pl.Expr:
    """The condition on `runs` (with the column `sampler`) that a filter states.

    Raises:
        ReportError: It is not understood, names no column, or compares text with a number.
    """
    try:
        tree = ast.parse(_as_python(text).strip(), mode="eval")
    except (SyntaxError, tokenize.TokenError, ValueError) as error:
        raise ReportError(f"filter '{text}' is not understood: {HINT}.") from error
    return _condition(tree.body, text)


def _as_python(text: str) -> str:
    text = QUOTED_OR_SIGN.sub(lambda match: match[1] or SIGNS[match[2]], text)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    words = [(t.type, WORDS.get(t.string.upper(), t.string) if t.type == tokenize.NAME else t.string) for t in tokens]
    return tokenize.untokenize(words)


def _condition(node: ast.expr, text: str) -> pl.Expr:
    match node:
        case ast.BoolOp(op=op, values=values):
            join = operator.and_ if isinstance(op, ast.And) else operator.or_
            return reduce(join, [_condition(value, text) for value in values])
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ~_condition(operand, text)
        case ast.Compare(left=left, ops=ops, comparators=rights):
            pairs = zip([left, *rights], ops, rights, strict=False)
            return reduce(operator.and_, [_comparison(left, op, right, text) for left, op, right in pairs])
        case ast.Name(id=name) if RUNS.polars.get(resolve(name)) == pl.Boolean:
            return pl.col(resolve(name))
    raise ReportError(f"filter '{text}': '{ast.unparse(node)}' is no condition; {HINT}.")


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr, text: str) -> pl.Expr:
    if isinstance(left, ast.Constant) and isinstance(right, ast.Name):
        mirrored = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
        return _comparison(right, mirrored.get(type(op), type(op))(), left, text)
    if not isinstance(left, ast.Name):
        raise ReportError(f"filter '{text}': '{ast.unparse(left)}' is no column; {HINT}.")
    name = resolve(left.id)
    if isinstance(right, ast.Name):
        return _between_columns(name, op, right.id, text)
    value = _value(right, text)
    if value is None:
        missing = isinstance(op, ast.Is | ast.Eq)
        return pl.col(name).is_null() if missing else pl.col(name).is_not_null()
    values = value if isinstance(value, list) else [value]
    for each_value in values:
        _check_type(name, each_value, text)
    if isinstance(op, ast.In | ast.NotIn):
        within = pl.col(name).is_in(values)
        return within if isinstance(op, ast.In) else ~within
    if isinstance(value, list) or type(op) not in COMPARISONS:
        raise ReportError(f"filter '{text}': use == or in between '{name}' and {ast.unparse(right)}.")
    return COMPARISONS[type(op)](pl.col(name), pl.lit(value))


def _between_columns(name: str, op: ast.cmpop, other: str, text: str) -> pl.Expr:
    try:
        right = resolve(other)
    except ReportError as error:
        raise ReportError(f"filter '{text}': {other} is no column; if it is text, quote it: \"{other}\".") from error
    if type(op) not in COMPARISONS or is_number(name) != is_number(right):
        raise ReportError(f"filter '{text}': '{name}' and '{right}' cannot be compared so; {HINT}.")
    return COMPARISONS[type(op)](pl.col(name), pl.col(right))


def _value(node: ast.expr, text: str) -> Any:
    try:
        value = ast.literal_eval(node)
    except ValueError as error:
        raise ReportError(f"filter '{text}': '{ast.unparse(node)}' is no value; {HINT}.") from error
    return list(value) if isinstance(value, tuple | set) else value


def _check_type(name: str, value: Any, text: str) -> None:
    """Refuse a value of another type than the column's, which polars would refuse with a longer message."""
    if isinstance(value, bool):
        fits, wanted = RUNS.polars.get(name) == pl.Boolean, "true or false"
    elif isinstance(value, int | float):
        fits, wanted = is_number(name), "a number"
    else:
        fits, wanted = name == SAMPLER or is_list(name) or RUNS.polars.get(name) == pl.String, "text"
    if fits:
        return
    if is_list(name) and wanted == "a number":
        raise ReportError(
            f"filter '{text}': column '{name}' holds lists, which are written with dashes: {name} == \"{value}\" for "
            f'the list of {value}, "{value}-{value}" for one of two.'
        )
    raise ReportError(f"filter '{text}': column '{name}' does not hold {wanted}, so {value!r} never matches.")
