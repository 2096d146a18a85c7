"""Mistakes in one variant, in words and at their place."""

from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import Discriminator, Field, Tag, model_validator

from llcray.spec.problems import Place, SpecError
from llcray.spec.validation import Form
from llcray.spec.yaml_tree import parse
from llcray.variant import Count, Fraction, PositiveFloat, Record, Variant


class Wheel(Variant):
    kind: Literal["wheel"] = "wheel"
    spokes: Count
    radius: PositiveFloat = 1.0


class Track(Variant):
    kind: Literal["track"] = "track"
    links: tuple[Count, ...] = (3,)
    slack: Fraction = 0.0

    @model_validator(mode="after")
    def _check_slack(self) -> Self:
        if self.slack > 0.5 and len(self.links) < 3:
            raise ValueError(f"slack {self.slack} needs 3 links: lower it")
        return self


class Gap(Record):
    width: PositiveFloat


Drive = Annotated[Wheel | Track, Field(discriminator="kind")]


def _kind(value: Any) -> Any:
    return value.get("kind", "wheel") if isinstance(value, dict) else getattr(value, "kind", None)


DefaultWheel = Annotated[Annotated[Wheel, Tag("wheel")] | Annotated[Track, Tag("track")], Discriminator(_kind)]


class Car(Record):
    front: Drive | None = None
    rear: DefaultWheel = Wheel(spokes=3)
    clearance: Literal["auto"] | Annotated[float, Field(ge=0)] | Gap = "auto"
    color: Literal["red", "green"] = "red"
    doors: Count | None = None
    mass: float = 1.0
    quiet: bool = True
    axles: Annotated[tuple[float, ...], Field(min_length=2)] = (1.0, 2.0)


FORM: Form[Car] = Form(Car)


def _read(text: str) -> Car:
    node, _ = parse(text, Place("car.yaml", 1, 1))
    assert node is not None
    return FORM.read(node)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("front: {kind: whel, spokes: 3}", "1:15: front.kind: unknown kind 'whel'; did you mean 'wheel'? choose"),
        ("front: {kind: 7}", "1:15: front.kind: unknown kind 7; choose one of wheel, track"),
        ("front: {spokes: 3}", "1:8: front: 'kind' is missing; choose one of wheel, track"),
        ("front: wheel", "1:8: front: must be a mapping {kind: wheel or track, ...}; got 'wheel'; write {kind: wheel}"),
        ("front: {kind: wheel}", "1:8: front: 'spokes' is missing: a whole number from 1"),
        ("front: {kind: wheel, spokes: 0}", "1:30: front.spokes: must be at least 1; got 0"),
        ("front: {kind: wheel, spokes: 3.5}", "1:30: front.spokes: must be a whole number from 1; got 3.5"),
        ("front: {kind: wheel, spokes: true}", "1:30: front.spokes: must be a whole number from 1; got true"),
        ("front: {kind: wheel, spokes: 3, raduis: 1}", "1:33: front: unknown key 'raduis'; did you mean 'radius'?"),
        ("front: {kind: wheel, spokes: 3, x: 1}", "1:33: front: unknown key 'x'; known keys: kind, spokes, radius"),
        ("front: {kind: track, links: [3, 0]}", "1:33: front.links.1: must be at least 1; got 0"),
        ("front: {kind: track, slack: 0.6}", "1:8: front: slack 0.6 needs 3 links: lower it"),
        ("rear: {spokes: 0}", "1:16: rear.spokes: must be at least 1; got 0"),
        ("rear: {kind: track, slack: 2}", "1:28: rear.slack: must be at most 1; got 2"),
        ("rear: {kind: whel}", "1:14: rear.kind: unknown kind 'whel'; did you mean 'wheel'? choose"),
        ("clearance: -1", "1:12: clearance: must be at least 0; got -1"),
        ("clearance: autp", "1:12: clearance: must be 'auto', a number from 0 or a mapping with width; got 'autp'"),
        ("clearance: {width: 0}", "1:20: clearance.width: must be above 0; got 0"),
        ("clearance: {wdth: 1}", "1:13: clearance: unknown key 'wdth'; did you mean 'width'?"),
        ("color: gren", "1:8: color: must be 'red' or 'green'; got 'gren'; did you mean 'green'?"),
        ("mass: '3'", "1:7: mass: must be a number; got '3'; write it without quotes"),
        ("mass: .nan", "1:7: mass: must be a finite number; got NaN"),
        ("mass:", "1:6: mass: is empty: must be a number"),
        ("mass: [1, 2]", "1:7: mass: must be a number; got [1, 2]; to try several values write {grid: [1, 2]}"),
        ("mass: {gird: [1, 2]}", "1:7: mass: must be a number; got a mapping of gird; did you mean 'grid'?"),
        ("quiet: yes", "1:8: quiet: must be true or false; got 'yes'"),
        ("axles: [1]", "1:8: axles: must have at least 2 items; got 1"),
        ("axles: [1, x]", "1:12: axles.1: must be a number; got 'x'"),
        ("front: {kind: wheel, spoke: 3}", "1:22: front: unknown key 'spoke'; did you mean 'spokes'?"),
        ("axles: {x: 1}", "1:8: axles: must be a list, each item a number; got a mapping of x; begin"),
        ("[1]", "1:1: must be a mapping with front, rear, clearance, color, doors, mass, quiet, axles; got [1]"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(text: str, line: str) -> None:
    """Catches messages of the validator's own, and positions lost in tags of unions."""
    with pytest.raises(SpecError) as caught:
        _read(text)
    assert str(caught.value).startswith(f"car.yaml:{line}") and "\n" not in str(caught.value)


def test_all_mistakes_come_at_once_in_the_order_of_the_file() -> None:
    """Catches a report that ends at the first mistake."""
    with pytest.raises(SpecError) as caught:
        _read("mass: x\ncolr: red\nclearance: {width: 0}\nfront: {kind: wheel, radius: 0}\n")
    places = [(problem.place.line, problem.place.path) for problem in caught.value.problems]
    assert places == [(1, "mass"), (2, ""), (3, "clearance.width"), (4, "front"), (4, "front.radius")]


def test_right_values_pass() -> None:
    """Catches strictness that refuses whole numbers for floats, or null for optional keys."""
    car = _read("{front: {kind: track}, rear: {spokes: 4}, clearance: {width: 2}, doors: ~, mass: 3, axles: [1, 2.5]}")
    assert car == Car(front=Track(), rear=Wheel(spokes=4), clearance=Gap(width=2.0), mass=3.0, axles=(1.0, 2.5))
