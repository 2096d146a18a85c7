"""How samplers, verdicts and chains look: declared once, and the same in every figure, table and page.

The colours of series are those of Okabe & Ito (Color Universal Design, 2008), safe for colour-blind readers; markers
and lines differ too, so that figures survive greyscale.
"""

import zlib
from typing import Literal, NamedTuple

from llcray.report.verdict_filter import FAILED

BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#AA4499"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#1A1A1A", "#777777"

LineStyle = Literal["-", "--", "-.", ":"]
LINES: tuple[LineStyle, ...] = ("-", "--", "-.", ":")


class Look(NamedTuple):
    """The colour, marker and line of a series, in matplotlib's words."""

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
    "ubu": Look(SKY, "d", "-."),
    "sg_mclmc": Look(GREEN, "v", "--"),
    "tempered_smc": Look(GREY, "*", ":"),
    "laplace": Look(GREY, "d", "--"),
    "variational": Look(GREY, "h", "-."),
    "local_volume": Look(GREY, "H", ":"),
}
"""Looks by kind of sampler, in the order of legends. A kind that is not listed gets a look from its name."""
UNLISTED_COLORS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE)
UNLISTED_MARKERS = ("8", "*")
VARIANT_SHADES = {"rmsprop": SKY, "adam": "#332288"}
VARIANT_MARKERS = {"rmsprop": "h", "adam": "d"}
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
CHAIN_COLORS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)


def sampler_look(name: str) -> Look:
    """The look of a sampler, named by its kind or by `kind (preconditioner)`; always the same for the same name."""
    kind, _, variant = name.partition(" (")
    variant = variant.rstrip(")")
    if variant in VARIANT_SHADES:
        return Look(VARIANT_SHADES[variant], VARIANT_MARKERS[variant], "--")
    return SAMPLER_LOOKS.get(kind) or _unlisted_look(kind)


def _unlisted_look(kind: str) -> Look:
    """One of ten pairs of colour and marker that no listed sampler has, chosen by a checksum of the name."""
    rest, color = divmod(zlib.crc32(kind.encode()), len(UNLISTED_COLORS))
    rest, marker = divmod(rest, len(UNLISTED_MARKERS))
    return Look(UNLISTED_COLORS[color], UNLISTED_MARKERS[marker], LINES[rest % len(LINES)])


def series_look(index: int) -> Look:
    """The look of the series with this index, where series are not samplers."""
    return SERIES[index % len(SERIES)]


def chain_color(chain: int) -> str:
    """The colour of the chain with this number."""
    return CHAIN_COLORS[chain % len(CHAIN_COLORS)]


class VerdictLook(NamedTuple):
    """How runs with a verdict are drawn and printed.

    Attributes:
        fill: Colour of a bar of such runs; no sampler's colour.
        terminal: Style of the verdict's name in a terminal, in Rich's words.
        pattern: Pattern on the bar, in Plotly's words.
        sign: matplotlib's marker inside the open marker of an estimate.
    """

    fill: str
    terminal: str
    pattern: str = ""
    sign: str = ""


VERDICT_LOOKS = {
    "ok": VerdictLook("#C9D3DC", "green"),
    "gamma_decides": VerdictLook("#B9A2D8", "cyan", "-", "_"),
    "not_converged": VerdictLook("#F5E07A", "yellow", "/"),
    "biased_step": VerdictLook("#D9A84E", "magenta", ".", "."),
    "biased_weights": VerdictLook("#C98A3A", "magenta", "|", "1"),
    "escaped": VerdictLook("#B3661F", "red", "x", "+"),
    "diverged": VerdictLook("#7A3B12", "red", "\\", "x"),
    FAILED: VerdictLook("#3B1C08", "bold red"),
}
"""Looks by verdict, and of failed runs. Trusted runs are pale, so that doubt stands out; graver is darker."""


def terminal_style(verdict: str | None) -> str:
    """The style of a verdict's name in a terminal; none for a missing or unknown verdict."""
    look = VERDICT_LOOKS.get(verdict or "")
    return look.terminal if look else ""


def ink_on(fill: str) -> str:
    """Black or white, whichever is read better on a colour."""
    return max("#000000", "#ffffff", key=lambda ink: contrast(ink, fill))


def readable_on(paper: str, color: str, least: float) -> str:
    """A colour, mixed with white until it contrasts with dark paper."""
    channels = _channels(color)
    shades = ([c + (1 - c) * share / 20 for c in channels] for share in range(21))
    texts = ("#" + "".join(f"{round(255 * c):02x}" for c in shade) for shade in shades)
    return next((text for text in texts if contrast(text, paper) >= least), "#ffffff")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2.1 defines it, 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _channels(color: str) -> list[float]:
    return [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
