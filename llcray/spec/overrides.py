"""Overrides, `--set path=value`, which change a value of a sweep without changing its file.

A path names keys from the top: `posterior.localization`. In a list a number picks one item (`targets.0.seed`); without
a number every item is meant (`targets.training.num_steps`). A path without the word of an axis reaches all values of
that axis. The value is YAML.
"""

from collections.abc import Sequence

from llcray.spec import axis
from llcray.spec.problems import Place, Problem, SpecError
from llcray.spec.yaml_tree import Items, Node, Scalar, Table, parse, shown


def apply(root: Node, overrides: Sequence[str]) -> tuple[Node, list[Problem]]:
    """The tree with every override applied in turn, and the problems of those that could not be applied.

    A key that does not exist yet is added; whether it belongs there is for validation to say.
    """
    problems: list[Problem] = []
    for override in overrides:
        try:
            root = _apply(root, override)
        except SpecError as error:
            problems += error.problems
    return root, problems


def _apply(root: Node, override: str) -> Node:
    place = Place(f"--set {override}")
    path, equals, text = override.partition("=")
    steps = path.strip().split(".")
    if not equals or not all(steps):
        raise SpecError([Problem(place, "write it as path=value, such as targets.0.seed=3")])
    return _set(root, steps, text, place)


def _set(node: Node, steps: Sequence[str], text: str, place: Place) -> Node:
    """A copy of `node`, which stands at `place.path`, with the value at `steps` replaced."""
    if not steps:
        return _value(text, place)
    step, rest = steps[0], steps[1:]
    if isinstance(node, Table) and axis.is_axis(node) and step not in node.entries:
        return _set_in_values(node, steps, text, place)
    if isinstance(node, Table):
        here = node.entries.get(step, Table({}, {}, place.at(step)))
        value = _set(here, rest, text, place.at(step))
        return node.updated(step, value, node.keys.get(step, place))
    if isinstance(node, Items):
        return _set_in_items(node, steps, text, place)
    raise SpecError([Problem(place, f"is {shown(node)}, which has no '{step}' in it")])


def _set_in_items(node: Items, steps: Sequence[str], text: str, place: Place) -> Node:
    picked = {int(steps[0])} if steps[0].isdigit() else set(range(len(node.items)))
    rest = steps[1:] if steps[0].isdigit() else steps
    if not all(index < len(node.items) for index in picked):
        raise SpecError([Problem(place, f"has {len(node.items)} items, numbered from 0; there is no {steps[0]}")])
    items = (
        _set(item, rest, text, place.at(index)) if index in picked else item for index, item in enumerate(node.items)
    )
    return Items(tuple(items), node.place)


def _set_in_values(node: Table, steps: Sequence[str], text: str, place: Place) -> Node:
    """The axis with each of its values changed: `targets.data.num_data` reaches all of `data: {grid: [...]}`."""
    word = next(word for word in axis.WORDS if word in node.entries)
    values = _set(node.entries[word], steps, text, place.at(word))
    return node.updated(word, values, node.keys[word])


def _value(text: str, place: Place) -> Node:
    node, problems = parse(text, place)
    if problems:
        raise SpecError(problems)
    return Scalar(None, place) if node is None else node
