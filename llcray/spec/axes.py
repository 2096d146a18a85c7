"""Expansion of axes, which turn one written variant into many.

Inside a variant each `{grid: ...}`, `{uniform: ...}`, `{log_uniform: ...}` is an axis, and so is a list of variants
where one variant is expected. All `{zip: ...}` of one scope (one target, one sampler, ...) are a single axis.

The `product` design combines the values of all axes. `one_at_a_time` moves each axis alone while the others keep their
first value: axes of 3 and 4 values make 1 + 2 + 3 points instead of 12. An axis inside one alternative of another is
moved around that alternative.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from llcray.spec import axis, type_forms
from llcray.spec.problems import Place, Problem, SpecError
from llcray.spec.yaml_tree import Items, Node, Table

Design = Literal["product", "one_at_a_time"]
MOST_POINTS = 100_000
REMEDY = "shorten some, zip some, or set design: one_at_a_time"
T = TypeVar("T")


def points(node: Node, form: Any, design: Design) -> list[Node]:
    """Every concrete variant that a variant with axes stands for; the first one is the base.

    Args:
        node: One scope: a target, a sampler, the posterior, ...
        form: The annotation that the node is to satisfy; it decides where a list means alternatives.
        design: Design by which axes combine.

    Raises:
        SpecError: Axes are written wrongly, or zips differ in length.
    """
    axes = list(axis.axes_in(node))
    problems = [problem for table in axes for problem in axis.mistakes(table)]
    zips = [table for table in axes if axis.is_zip(table)]
    if problems or (problems := _unequal_lengths(zips)):
        raise SpecError(problems)
    if not zips:
        return _points(node, form, design, 0)
    first, *others = (_points(node, form, design, row) for row in range(len(axis.values(zips[0]))))
    return first + [point for points in others for point in (points if design == "product" else points[:1])]


def combine(axes: Sequence[Sequence[T]], design: Design, place: Place) -> list[tuple[T, ...]]:
    """Points of several axes, whose base is the first value of each.

    Raises:
        SpecError: There are more points than anyone can mean; the error is at `place`.
    """
    if design == "product":
        if (num_points := math.prod(map(len, axes))) > MOST_POINTS:
            raise SpecError([Problem(place, f"its axes make {num_points:,} points, over {MOST_POINTS:,}; {REMEDY}")])
        return list(itertools.product(*axes))
    base = tuple(values[0] for values in axes)
    alone = ((*base[:turn], value, *base[turn + 1 :]) for turn, values in enumerate(axes) for value in values[1:])
    return [base, *alone]


def num_points(node: Node, form: Any, design: Design) -> int:
    """Counts the variants that `points` makes, without making them; 1 where the axes have mistakes."""
    axes = list(axis.axes_in(node))
    zips = [table for table in axes if axis.is_zip(table)]
    if any(True for table in axes for _ in axis.mistakes(table)) or _unequal_lengths(zips):
        return 1
    if not zips:
        return _num_points(node, form, design, 0)
    num_rows = axis.num_values(zips[0])
    if design == "one_at_a_time":
        return _num_points(node, form, design, 0) + num_rows - 1
    return sum(_num_points(node, form, design, row) for row in range(num_rows))


def num_combined(counts: Sequence[int], design: Design) -> int:
    """Counts the points that `combine` makes of axes with these numbers of values."""
    return math.prod(counts) if design == "product" else 1 + sum(count - 1 for count in counts)


def _num_points(node: Node, form: Any, design: Design, row: int) -> int:
    """Counts what `_points` makes."""
    if isinstance(node, Table) and axis.is_zip(node):
        return _num_points(axis.values(node)[row], form, design, row)
    if isinstance(node, Table) and axis.is_axis(node):
        if not any(word in node.entries for word in axis.WRITTEN_OUT):
            return axis.num_values(node)
        return sum(_num_points(value, form, design, row) for value in axis.values(node))
    if isinstance(node, Items) and node.items and type_forms.takes_variants_only(form):
        return sum(_num_points(item, form, design, row) for item in node.items)
    if isinstance(node, Items):
        items = enumerate(node.items)
        counts = [_num_points(item, type_forms.item_form(form, index), design, row) for index, item in items]
        return num_combined(counts, design)
    if isinstance(node, Table):
        models = type_forms.described_by(form, node)
        entries = node.entries.items()
        counts = [_num_points(value, type_forms.key_form(models, key), design, row) for key, value in entries]
        return num_combined(counts, design)
    return 1


def _points(node: Node, form: Any, design: Design, row: int) -> list[Node]:
    """The points of a node in which every zip is at its value number `row`."""
    if isinstance(node, Table) and axis.is_zip(node):
        return _points(axis.values(node)[row], form, design, row)
    if isinstance(node, Table) and axis.is_axis(node):
        return [point for value in axis.values(node) for point in _points(value, form, design, row)]
    if isinstance(node, Items) and node.items and type_forms.takes_variants_only(form):
        return [point for item in node.items for point in _points(item, form, design, row)]
    if isinstance(node, Items):
        items = enumerate(node.items)
        children = [_points(item, type_forms.item_form(form, index), design, row) for index, item in items]
        return [Items(chosen, node.place) for chosen in combine(children, design, node.place)]
    if isinstance(node, Table):
        models = type_forms.described_by(form, node)
        children = [
            _points(value, type_forms.key_form(models, key), design, row) for key, value in node.entries.items()
        ]
        points_of_children = combine(children, design, node.place)
        return [
            Table(dict(zip(node.entries, chosen, strict=True)), node.keys, node.place) for chosen in points_of_children
        ]
    return [node]


def _unequal_lengths(zips: Sequence[Table]) -> list[Problem]:
    lengths = [len(axis.values(table)) for table in zips]
    if len(set(lengths)) <= 1:
        return []
    counts = ", ".join(f"{table.place.path} has {length}" for table, length in zip(zips, lengths, strict=True))
    return [Problem(zips[0].place, f"zips advance together and need equal lengths; {counts}")]
