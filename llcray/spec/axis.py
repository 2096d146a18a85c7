"""An axis as it is written: its mistakes and its values.

{grid: [a, b]}                        each value in turn
{zip: [a, b]}                         each value in turn, together with the other zips of its scope
{uniform: [low, high], num: k}        k reproducible draws; whole numbers when both bounds are whole
{log_uniform: [low, high], num: k}    the same, uniform in the logarithm
"""

import math
import random
import re
from collections.abc import Iterator, Sequence

from llcray.spec.problems import Problem, suggestion
from llcray.spec.yaml_tree import Items, Node, Scalar, Table, plain
from llcray.variant import seed_from

WRITTEN_OUT = ("grid", "zip")
DRAWN = ("log_uniform", "uniform")
WORDS = (*WRITTEN_OUT, *DRAWN)
DIGITS = 6
SCOPE_INDEX = re.compile(r"^(\w+)\.\d+")


def is_axis(node: Node) -> bool:
    """Whether a mapping is written as an axis."""
    return isinstance(node, Table) and any(word in node.entries for word in WORDS)


def is_zip(node: Node) -> bool:
    """Whether a mapping is written as a zip."""
    return isinstance(node, Table) and "zip" in node.entries


def axes_in(node: Node) -> Iterator[Table]:
    """Every axis in a tree, outer before inner, in the order of the file."""
    if isinstance(node, Table):
        if is_axis(node):
            yield node
        for value in node.entries.values():
            yield from axes_in(value)
    elif isinstance(node, Items):
        for item in node.items:
            yield from axes_in(item)


def values(axis: Table) -> Sequence[Node]:
    """The values of an axis that has no mistakes."""
    word = next(word for word in WORDS if word in axis.entries)
    body = axis.entries[word]
    items = body.items if isinstance(body, Items) else ()
    if word in WRITTEN_OUT:
        return items
    low, high = (plain(bound) for bound in items)
    random_stream = _stream(axis, word)
    drawn = [_draw(word, random_stream.random(), low, high) for _ in range(plain(axis.entries["num"]))]
    return [Scalar(value, axis.place) for value in dict.fromkeys(drawn)]


def num_values(axis: Table) -> int:
    """Counts the values of an axis without drawing them; draws of numbers that coincide are counted each."""
    word = next(word for word in WORDS if word in axis.entries)
    if word in WRITTEN_OUT:
        return len(values(axis))
    low, high = plain(axis.entries[word])
    num = plain(axis.entries["num"])
    return min(num, high - low + 1) if isinstance(low, int) and isinstance(high, int) else num


def mistakes(axis: Table) -> Iterator[Problem]:
    """The mistakes that keep an axis from having values."""
    words = [word for word in WORDS if word in axis.entries]
    if len(words) > 1:
        yield Problem(axis.place, f"an axis is one of {', '.join(WORDS)}; this one is {' and '.join(words)}")
        return
    allowed = words if words[0] in WRITTEN_OUT else [words[0], "num"]
    for key, place in axis.keys.items():
        if key not in allowed:
            yield Problem(place, f"'{key}' cannot stand beside '{words[0]}'{suggestion(key, allowed)}")
    yield from _list_mistakes(axis, words[0]) if words[0] in WRITTEN_OUT else _draw_mistakes(axis, words[0])


def _list_mistakes(axis: Table, word: str) -> Iterator[Problem]:
    body = axis.entries[word]
    if not isinstance(body, Items) or not body.items:
        yield Problem(body.place, f"'{word}' needs a list of values, such as {{{word}: [1, 2]}}")
    elif word == "zip" and any(is_zip(inner) for item in body.items for inner in axes_in(item)):
        yield Problem(body.place, "a zip cannot stand inside a zip: all zips of a variant advance together")


def _draw_mistakes(axis: Table, word: str) -> Iterator[Problem]:
    body = axis.entries[word]
    bounds = [_number(item) for item in body.items] if isinstance(body, Items) else []
    if len(bounds) != 2 or bounds[0] is None or bounds[1] is None:
        yield Problem(body.place, f"'{word}' needs two numbers, such as {{{word}: [1, 10], num: 4}}")
    elif bounds[0] >= bounds[1]:
        yield Problem(body.place, f"the lower bound {bounds[0]} must be below the upper bound {bounds[1]}")
    elif word == "log_uniform" and bounds[0] <= 0:
        yield Problem(body.place, f"the lower bound {bounds[0]} must be above 0: its logarithm is taken")
    num = axis.entries.get("num")
    if num is None:
        yield Problem(axis.place, f"'num' is missing: how many values to draw, as in {{{word}: [1, 10], num: 4}}")
    elif not (isinstance(num, Scalar) and type(num.value) is int and num.value >= 1):
        yield Problem(num.place, f"'num' must be a whole number from 1; got {plain(num)!r}")


def _number(node: Node) -> int | float | None:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


def _stream(axis: Table, word: str) -> random.Random:
    """Random numbers of an axis, seeded by its text and by its path inside its variant.

    The index of the variant in the list of targets or samplers does not enter, and a larger `num` leaves the earlier
    draws as they were.
    """
    path = SCOPE_INDEX.sub(r"\1", axis.place.path)
    text = f"{path} {word} {plain(axis.entries[word])}"
    return random.Random(seed_from(text))


def _draw(word: str, share: float, low: float, high: float) -> int | float:
    """The value that lies a `share` in [0, 1) of the way from low to high, rounded to few digits.

    The last bit of exp and log differs between platforms, and ids are made of these numbers.
    """
    whole = isinstance(low, int) and isinstance(high, int)
    if word == "log_uniform":
        value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        value = low + share * (high - low + 1) - 0.5 if whole else low + share * (high - low)
    return min(max(round(value), low), high) if whole else min(max(float(f"{value:.{DIGITS}g}"), low), high)
