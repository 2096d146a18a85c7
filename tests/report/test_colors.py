"""Looks of samplers and verdicts: each has one, told apart from all others, in figures and on the page."""

from typing import get_args

import pytest
from llcray_storage.schema.verdicts import VERDICTS

from llcray.report.colors import (
    LINES,
    ORANGE,
    SAMPLER_LOOKS,
    SERIES,
    VARIANT_MARKERS,
    VERDICT_LOOKS,
    contrast,
    ink_on,
    sampler_look,
)
from llcray.report.page.looks import DARK_PAPER, DASHES, SYMBOLS, on_dark, verdicts
from llcray.report.page.page import PARTS, script
from llcray.report.verdict_filter import FAILED, OK, OUTCOMES
from llcray.samplers import Sampler

KINDS = [variant.model_fields["kind"].default for variant in get_args(get_args(Sampler)[0])]


def test_every_kind_of_sampler_has_a_colour_and_marker_of_its_own():
    """A kind without a line in the table gets a look from its name, which might be another's."""
    names = [*KINDS, *(f"sgld ({preconditioner})" for preconditioner in VARIANT_MARKERS)]
    looks = {}
    for name in names:
        look = sampler_look(name)
        other = looks.setdefault((look.color, look.marker), name)
        assert other == name, f"{name} looks like {other}: give it a line in SAMPLER_LOOKS of llcray/report/colors.py"


def test_samplers_with_a_line_in_the_table_exist():
    assert set(SAMPLER_LOOKS) <= set(KINDS)


def test_a_sampler_without_a_line_in_the_table_always_looks_the_same_and_like_no_other():
    look = sampler_look("langevin_of_tomorrow")
    assert look == sampler_look("langevin_of_tomorrow")
    assert (look.color, look.marker) not in {(listed.color, listed.marker) for listed in SAMPLER_LOOKS.values()}


def test_every_verdict_has_a_look():
    missing = {verdict.name for verdict in VERDICTS} - VERDICT_LOOKS.keys()
    assert not missing, f"give {missing} a line in VERDICT_LOOKS of llcray/report/colors.py"
    assert set(VERDICT_LOOKS) == set(OUTCOMES)


def test_verdicts_are_told_apart_by_the_colour_of_bars_and_doubts_by_signs_and_patterns():
    """The open marker alone stands for one verdict; failed runs have no marker, and trusted ones are filled."""
    doubts = [VERDICT_LOOKS[name] for name in OUTCOMES if name not in (OK, FAILED)]
    assert len({look.fill for look in VERDICT_LOOKS.values()}) == len(VERDICT_LOOKS)
    for parts in ({look.sign for look in doubts}, {look.pattern for look in doubts}):
        assert len(parts) == len(doubts)


def test_the_page_learns_the_verdicts_from_the_schema():
    """A verdict's name in the script would have to be changed there, too."""
    shown = verdicts()
    assert [verdict["name"] for verdict in shown] == [*(verdict.name for verdict in reversed(VERDICTS)), FAILED]
    assert {verdict["meaning"] for verdict in shown} > {verdict.meaning for verdict in VERDICTS}
    assert [verdict.name for verdict in VERDICTS if verdict.name != OK and verdict.name in script()] == []


def test_every_marker_and_line_has_a_name_in_plotly():
    looks = [*SERIES, *map(sampler_look, (*KINDS, "sgld (rmsprop)", "sgld (adam)", *map(str, range(20))))]
    assert {look.marker for look in looks} <= SYMBOLS.keys()
    assert {*LINES, *(look.line for look in looks)} <= DASHES.keys()


@pytest.mark.parametrize(("fill", "ink"), [("#C9D3DC", "#000000"), ("#7A3B12", "#ffffff"), ("#ffffff", "#000000")])
def test_numbers_on_bars_are_dark_on_pale_and_pale_on_dark(fill: str, ink: str):
    assert ink_on(fill) == ink


def test_series_are_read_on_the_dark_page_and_told_apart_in_grey():
    """Markers and lines tell series apart where colours do not; the dark page has lighter shades of the colours."""
    styles = (PARTS / "page.css").read_text(encoding="utf-8")
    assert DARK_PAPER in styles and DARK_PAPER in script()
    for look in (*SERIES, *SAMPLER_LOOKS.values()):
        assert contrast(on_dark(look.color), DARK_PAPER) >= 4.5
    assert len({look.marker for look in SERIES}) == len(SERIES)
    assert len({(look.marker, look.line) for look in SAMPLER_LOOKS.values()}) == len(SAMPLER_LOOKS)
    assert on_dark(ORANGE) == ORANGE.lower(), "what is light enough stays as it is"
