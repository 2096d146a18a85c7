"""Colours, markers and lines of the page's charts, in Plotly's words."""

from typing import Any

import polars as pl
from llcray_storage.schema.verdicts import VERDICTS

from llcray.report.colors import BLACK, CHAIN_COLORS, LINES, VERDICT_LOOKS, Look, ink_on, readable_on
from llcray.report.page.plain import plain
from llcray.report.plots.series import MAX_SERIES, series_of
from llcray.report.plots.stage_bands import SHADES
from llcray.report.verdict_filter import FAILED, OK, OUTCOMES, outcome_text

SYMBOLS = {
    "o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "P": "cross", "X": "x",
    "p": "pentagon", "<": "triangle-left", ">": "triangle-right", "h": "hexagon", "d": "diamond-tall", "*": "star",
    "8": "octagon", "H": "hexagon2",
}  # fmt: skip
DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
INK_ON_DARK = "#ececec"
DARK_PAPER = "#15171a"
"""The background of the page in the dark theme: `page.css` and `script/theme.js` have the same."""
CONTRAST_ON_DARK = 4.5
"""What WCAG 2.1 asks of text; lines are thinner than letters."""
SHADES_ON_DARK = (0.4, 1.0)
"""Part of the colour map cividis that is readable on dark paper."""
STAGE_SHADES_ON_DARK = {"up": "#1d3a55", "down": "#4a3020"}
FAILED_MEANING = "The run failed: there is no estimate."


def series_looks(runs: pl.DataFrame, names: list[str]) -> dict[str, dict[str, Any]]:
    """The values of each column that colours can tell apart, in order, and how the series of each value is drawn."""
    looks = {}
    for name in names:
        if runs[name].n_unique() <= MAX_SERIES:
            light, dark = series_of(runs, name), series_of(runs, name, SHADES_ON_DARK)
            looks[name] = {
                "values": [plain(series.value) for series in light],
                "looks": [_look(*pair) for pair in zip((s.look for s in light), (s.look for s in dark), strict=True)],
            }
    return looks


def single_look() -> dict[str, str]:
    """How the only series is drawn where nothing is coloured."""
    [series] = series_of(pl.DataFrame(), None)
    return _look(series.look, series.look)


def _look(light: Look, dark: Look) -> dict[str, str]:
    return {
        "color": light.color,
        "dark": on_dark(dark.color),
        "symbol": SYMBOLS[light.marker],
        "dash": DASHES[light.line],
    }


def on_dark(color: str) -> str:
    """The colour on dark paper: black becomes the colour of the text, and dark colours lighter ones of their hue."""
    return INK_ON_DARK if color == BLACK else readable_on(DARK_PAPER, color, CONTRAST_ON_DARK)


def chain_looks() -> dict[str, list[Any]]:
    """Colours of chains, by number, and dashes."""
    colors = [{"color": color, "dark": on_dark(color)} for color in CHAIN_COLORS]
    return {"colors": colors, "dashes": [DASHES[line] for line in LINES]}


def stage_shades() -> dict[str, dict[str, str]]:
    """Colours of the bands of stages, on light and on dark paper."""
    return {"light": {name: SHADES[name] for name in STAGE_SHADES_ON_DARK}, "dark": STAGE_SHADES_ON_DARK}


def verdicts() -> list[dict[str, str]]:
    """The verdicts and `failed`, least grave first: their words, their standing (ok, doubt, failed) and their looks."""
    meanings = {verdict.name: verdict.meaning for verdict in VERDICTS} | {FAILED: FAILED_MEANING}
    standings = {OK: "ok", FAILED: "failed"}
    return [
        {
            "name": name,
            "text": outcome_text(name),
            "meaning": meanings[name],
            "standing": standings.get(name, "doubt"),
            "fill": VERDICT_LOOKS[name].fill,
            "ink": ink_on(VERDICT_LOOKS[name].fill),
            "pattern": VERDICT_LOOKS[name].pattern,
        }
        for name in OUTCOMES
    ]
