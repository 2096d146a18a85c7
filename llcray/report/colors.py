"""One colour, marker and line per sampler, the same in every figure and page; and one sign per verdict.

The colours are those of Okabe & Ito (Color Universal Design, 2008), safe for colour-blind readers; markers and lines
differ too, so that figures survive greyscale.
"""

from typing import Literal, NamedTuple

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#AA4499"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#1A1A1A", "#777777"


LineStyle = Literal["-", "--", "-.", ":"]


class Look(NamedTuple):
    """How a series is drawn."""

    color: str
    marker: str
    line: LineStyle


SAMPLER_LOOKS = {
    "sgld": Look(BLUE, "o", "-"),
    "hmc": Look(VERMILION, "s", "--"),
    "mclmc": Look(GREEN, "^", "-."),
    "auto": Look(BLACK, "D", "-"),
    "baoab": Look(SKY, "v", "-"),
    "sghmc": Look(PURPLE, "P", "--"),
    "sgnht": Look(PURPLE, "X", ":"),
    "nuts": Look(ORANGE, "p", "--"),
    "mala": Look(ORANGE, "<", ":"),
    "adjusted_mclmc": Look(GREEN, ">", ":"),
}
SERIES = (
    Look(BLUE, "o", "-"),
    Look(VERMILION, "s", "--"),
    Look(GREEN, "^", "-."),
    Look(ORANGE, "D", ":"),
    Look(PURPLE, "v", "-"),
    Look(SKY, "P", "--"),
    Look(BLACK, "X", "-."),
    Look(GREY, "p", ":"),
)
VARIANT_SHADES = {"rmsprop": "#56B4E9", "adam": "#332288"}
VARIANT_MARKERS = {"rmsprop": "h", "adam": "d"}

CHAIN_COLORS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)

VERDICTS = ("ok", "not_converged", "biased_step", "escaped", "diverged")
"""Least grave first."""

VERDICT_SIGNS = {"not_converged": "", "biased_step": ".", "escaped": "+", "diverged": "x"}
"""What is drawn inside the open marker of an estimate that is not `ok`."""

VERDICT_STYLES = {
    "ok": "green",
    "not_converged": "yellow",
    "biased_step": "magenta",
    "escaped": "red",
    "diverged": "red",
    "failed": "bold red",
}


def sampler_look(name: str) -> Look:
    """The look of a sampler's kind, or of `kind (preconditioner)`."""
    kind, _, variant = name.partition(" (")
    look = SAMPLER_LOOKS.get(kind, Look(GREY, "*", ":"))
    variant = variant.rstrip(")")
    if variant not in VARIANT_SHADES:
        return look
    return Look(VARIANT_SHADES[variant], VARIANT_MARKERS[variant], "--")


def series_look(index: int) -> Look:
    """The look of the index-th of anything else."""
    return SERIES[index % len(SERIES)]


def chain_color(chain: int) -> str:
    """The colour of a chain."""
    return CHAIN_COLORS[chain % len(CHAIN_COLORS)]
