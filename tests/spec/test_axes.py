"""What axes make of one written variant."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from llcray.spec.axes import Design, points
from llcray.spec.problems import Place, SpecError
from llcray.spec.yaml_tree import parse, plain
from llcray.variant import Variant


class Cat(Variant):
    kind: Literal["cat"] = "cat"
    lives: int = 9
    weight: float = 4.0


class Dog(Variant):
    kind: Literal["dog"] = "dog"
    breed: Literal["pug", "lab"] = "pug"


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class Home(Variant):
    pet: Pet = Cat()
    rooms: tuple[int, ...] = ()
    price: float = 1.0
    pets: tuple[Pet, ...] = ()


def _points(text: str, design: Design = "product") -> list[Any]:
    node, _ = parse(text, Place("sweep.yaml", 1, 1, "targets.0"))
    assert node is not None
    return [plain(point) for point in points(node, Home, design)]


def test_grids_make_a_product() -> None:
    """Catches grids that are zipped, and a last axis that does not vary fastest."""
    assert _points("{price: {grid: [1, 2]}, rooms: [{grid: [3, 4]}, 5]}") == [
        {"price": price, "rooms": [room, 5]} for price in (1, 2) for room in (3, 4)
    ]


def test_a_list_where_one_variant_belongs_is_a_union() -> None:
    """Catches products of one alternative's axes with another's."""
    assert _points("pet: [{kind: cat, lives: {grid: [7, 9]}}, {kind: dog}]") == [
        {"pet": {"kind": "cat", "lives": 7}},
        {"pet": {"kind": "cat", "lives": 9}},
        {"pet": {"kind": "dog"}},
    ]


def test_a_list_where_a_list_belongs_stays_one() -> None:
    """Catches lists of variants being taken apart."""
    assert _points("pets: [{kind: cat}, {kind: dog}]") == [{"pets": [{"kind": "cat"}, {"kind": "dog"}]}]


def test_zips_of_a_variant_advance_together() -> None:
    """Catches a product of zips; grids beside them still multiply."""
    assert _points("{pet: {kind: cat, lives: {zip: [1, 2]}, weight: {grid: [3, 4]}}, price: {zip: [5, 6]}}") == [
        {"pet": {"kind": "cat", "lives": lives, "weight": weight}, "price": price}
        for lives, price in ((1, 5), (2, 6))
        for weight in (3, 4)
    ]


def test_one_at_a_time_varies_each_axis_alone() -> None:
    """Catches a product, and a base that is there once an axis."""
    text = "{pet: [{kind: dog}, {kind: cat}], price: {grid: [1, 2, 3]}, rooms: [{grid: [4, 5]}]}"
    base = {"pet": {"kind": "dog"}, "price": 1, "rooms": [4]}
    assert _points(text, "one_at_a_time") == [
        base,
        base | {"pet": {"kind": "cat"}},
        base | {"price": 2},
        base | {"price": 3},
        base | {"rooms": [5]},
    ]


def test_one_at_a_time_takes_zips_as_one_axis() -> None:
    """Catches zips that vary while another axis is off its base."""
    text = "{price: {zip: [1, 2]}, rooms: [{zip: [4, 5]}, {grid: [6, 7]}]}"
    assert _points(text, "one_at_a_time") == [
        {"price": 1, "rooms": [4, 6]},
        {"price": 1, "rooms": [4, 7]},
        {"price": 2, "rooms": [5, 6]},
    ]


def test_draws_are_reproducible_within_bounds_and_keep_their_beginning() -> None:
    """Catches draws that change with the process, the place in the list, or their number."""
    few, many = (_points(f"price: {{log_uniform: [1e-4, 1], num: {num}}}") for num in (3, 50))
    assert many[:3] == few and len(many) == 50
    assert all(1e-4 <= point["price"] <= 1 for point in many)
    assert 15 < sum(point["price"] < 1e-2 for point in many) < 35
    elsewhere, _ = parse("price: {log_uniform: [1e-4, 1], num: 3}", Place("sweep.yaml", 1, 1, "targets.7"))
    assert elsewhere is not None and [plain(point) for point in points(elsewhere, Home, "product")] == few


def test_draws_between_whole_numbers_are_whole_and_reach_both_ends() -> None:
    """Catches floats for counts, and an excluded bound."""
    drawn = {point["price"] for point in _points("price: {uniform: [1, 4], num: 60}")}
    assert drawn == {1, 2, 3, 4} and all(type(value) is int for value in drawn)


def test_axes_of_equal_bounds_draw_independently() -> None:
    """Catches one stream for two keys."""
    text = "pet: {kind: cat, lives: {uniform: [0.0, 1.0], num: 1}, weight: {uniform: [0.0, 1.0], num: 1}}"
    pet = _points(text)[0]["pet"]
    assert pet["lives"] != pet["weight"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("price: {grid: 3}", "targets.0.price.grid: 'grid' needs a list of values"),
        ("price: {grid: []}", "targets.0.price.grid: 'grid' needs a list of values"),
        ("price: {grid: [1], zip: [2]}", "targets.0.price: an axis is one of grid, zip, log_uniform, uniform"),
        ("price: {grid: [1], num: 3}", "'num' cannot stand beside 'grid'"),
        ("price: {uniform: [1, 2], nun: 3}", "'nun' cannot stand beside 'uniform'; did you mean 'num'?"),
        ("price: {uniform: [1, 2]}", "'num' is missing"),
        ("price: {uniform: [1, 2], num: 0}", "'num' must be a whole number from 1; got 0"),
        ("price: {uniform: [2, 1], num: 3}", "the lower bound 2 must be below the upper bound 1"),
        ("price: {uniform: [a, 1], num: 3}", "'uniform' needs two numbers"),
        ("price: {log_uniform: [0, 1], num: 3}", "the lower bound 0 must be above 0: its logarithm is taken"),
        ("{price: {zip: [1, 2]}, rooms: [{zip: [3]}]}", "targets.0.price has 2, targets.0.rooms.0 has 1"),
        (f"rooms: [{', '.join(6 * ['{uniform: [0, 99], num: 500}'])}]", "points, over 100,000; shorten some, zip some"),
        ("price: {zip: [1, {zip: [2]}]}", "a zip cannot stand inside a zip"),
    ],
)
def test_a_wrong_axis_is_said_with_its_path(text: str, message: str) -> None:
    """Catches axes that crash, or silently give nothing."""
    with pytest.raises(SpecError) as caught:
        _points(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("sweep.yaml:1:")
