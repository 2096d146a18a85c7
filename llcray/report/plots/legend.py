"""The words around a sweep plot: the legend above; below, what bars and markers mean and what is not drawn."""

import textwrap
from collections.abc import Sequence
from typing import Literal, NamedTuple

import polars as pl
from llcray_storage.estimate_words import level_note
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from llcray.report.aggregate import SAMPLER_COLUMNS
from llcray.report.colors import VERDICT_LOOKS
from llcray.report.columns import axis_label, label_of
from llcray.report.plots.drawing import Drawing
from llcray.report.plots.marks import KNOWN_COLOR, MARKER_SIZE, OPEN_SIZE, SIGN, has_single_runs
from llcray.report.plots.scale import STEP, value_text
from llcray.report.plots.series import Series
from llcray.report.plots.stage_bands import stages_note
from llcray.report.verdict_filter import FAILED, OUTCOMES, doubtful, num_without, outcome_text

FOOTNOTE_COLOR = "#555555"
FOOTNOTE_SIZE = 6.5
CHARACTERS_PER_INCH = 19.5
MAX_PLACES = 3


class Entry(NamedTuple):
    """An entry of the legend: its marker, named by the marker's label, and what is drawn over it."""

    marker: Line2D
    sign: Line2D | None = None

    @property
    def name(self) -> str:
        """The words of the entry."""
        return str(self.marker.get_label())

    def drawn(self) -> Line2D | tuple[Line2D, ...]:
        """The entry as matplotlib takes it; what is in a tuple is drawn in one place."""
        return self.marker if self.sign is None else (self.marker, self.sign)


class Spacing(NamedTuple):
    """The size of a legend's entries.

    Attributes:
        mark: Inches of the mark of an entry and of the room beside it.
        character: Inches of a character.
        words: The same in matplotlib's words.
    """

    mark: float
    character: float
    words: dict[str, float]


WIDE = Spacing(0.55, 0.065, {"columnspacing": 1.4})
NARROW = Spacing(0.33, 0.058, {"columnspacing": 0.9, "handlelength": 1.6, "fontsize": 7, "labelspacing": 0.3})
NARROW_INCHES = 4.5
"""Width below which a figure, such as one for a column of a paper, has the narrow legend."""


def footnote(drawing: Drawing) -> str:
    """Sentences that say what the bars and markers mean, and what is not drawn."""
    runs = drawing.runs
    notes = [*_means(drawing), *_unmatched(drawing)]
    if drawing.layout.pooled:
        notes.append(f"Also pooled: {', '.join(map(label_of, drawing.layout.pooled))}.")
    if num_doubtful := doubtful(runs, drawing.y).height:
        notes.append(f"{_runs_are(num_doubtful)} not to be trusted: open markers, in no mean.")
    if num_failed := runs.filter(pl.col("outcome") == FAILED).height:
        notes.append(f"{num_failed} of {runs.height} runs failed: no point.")
    if num_missing := num_without(runs, drawing.y):
        notes.append(f"{num_missing} of {runs.height} runs without a finite {label_of(drawing.y)}.")
    if words := stages_note(drawing):
        notes.append(f"{words}.")
    if drawing.y == "llc":
        shown = runs.filter(pl.col("llc").is_finite())
        notes.append(level_note(*(shown[name] for name in ("localization", "n_beta", "localization_se"))))
    return " ".join(note for note in notes if note)


def _means(drawing: Drawing) -> list[str]:
    """The sentences on means and their bars."""
    counts = [count for means in drawing.means for count in means["num_runs"]]
    fewest, most = min(counts, default=0), max(counts, default=0)
    sentences = []
    if most > 1:
        of = f"{fewest} to {most} runs (the number beside each)" if drawing.has_unlike_counts else f"{most} runs"
        drawn = zip(drawing.layout.panels, drawing.marked, drawing.means, strict=True)
        single = {panel.x == STEP for panel, *frames in drawn if has_single_runs(*frames)}
        names = {False: " Small markers: single runs.", True: " Faint lines: single trainings."}
        behind = "".join(words for is_curve, words in names.items() if is_curve in single)
        sentences.append(f"Means of {of}; thin bar: ± 1 sd between them.{behind}")
    if drawing.y == "llc" and counts:
        of_what = " of the mean" if most > 1 else ""
        sentences.append(f"Thick bar: ± 1 sampling error{of_what}, where wider than the marker.")
    return sentences


def _unmatched(drawing: Drawing) -> list[str]:
    """The sentences on what the means leave out, so that they compare the same targets."""
    every = pl.concat([frame.select("run_id", "is_trusted", "is_matched", "is_comparable") for frame in drawing.marked])
    sentences = []
    if num_alone := every.filter(pl.col("is_trusted") & ~pl.col("is_matched"))["run_id"].n_unique():
        runs = "run" if num_alone == 1 else "runs"
        sentences.append(
            f"Means are over matched targets: {num_alone} trusted {runs} in no mean (small markers), since what they "
            "are compared with has no trusted estimate of their target."
        )
    if places := _without_means(drawing):
        sentences.append(f"No target is trusted in all that is compared, so there is no mean: {', '.join(places)}.")
    if not every.filter("is_trusted")["is_comparable"].all():
        sentences.append("Where what is compared shares no target, each mean is over its own.")
    return sentences


def _without_means(drawing: Drawing) -> list[str]:
    """The places that have trusted runs and no mean, as `share of labels flipped 0.1`."""
    places: dict[str, None] = {}
    for panel, marked, means in zip(drawing.layout.panels, drawing.marked, drawing.means, strict=True):
        values = marked.filter("is_trusted")[panel.x].unique().sort(nulls_last=True)
        missing = values.filter(~values.is_in(means[panel.x].implode(), nulls_equal=True))
        places |= dict.fromkeys(f"{label_of(panel.x)} {value_text(value)}" for value in missing)
    names = list(places)
    return names if len(names) <= MAX_PLACES else [*names[:MAX_PLACES], f"and {len(names) - MAX_PLACES} more"]


def _runs_are(count: int) -> str:
    return "1 run is" if count == 1 else f"{count} runs are"


def add_footnote(figure: Figure, drawing: Drawing) -> None:
    """Write the footnote below the panels."""
    words = "\n".join(textwrap.wrap(footnote(drawing), int(figure.get_figwidth() * CHARACTERS_PER_INCH)))
    figure.supxlabel(words, fontsize=FOOTNOTE_SIZE, color=FOOTNOTE_COLOR, x=0.01, ha="left")


def add_legend(figure: Figure, drawing: Drawing, series: Sequence[Series]) -> None:
    """List series, known answer and verdicts: in one row where they fit, else verdicts in a row of their own."""
    first = [Entry(_line(*one_series.look, one_series.name)) for one_series in series if one_series.name]
    if drawing.y == "llc" and drawing.runs["true_llc"].is_not_null().any():
        first.append(Entry(_line(KNOWN_COLOR, "_", "none", "known answer")))
    drawn = set(doubtful(drawing.runs, drawing.y)["outcome"])
    second = [_verdict_entry(verdict) for verdict in OUTCOMES if verdict in drawn]
    size = _entries_a_row([*first, *second], figure.get_figwidth())
    together = _rows([*first, *second], size)
    rows = together if len(together) < 2 else [*_rows(first, size), *_rows(second, size)]
    if rows:
        num_columns = max(map(len, rows))
        nothing = Entry(_line("none", "", "none", ""))
        filled = [row + [nothing] * (num_columns - len(row)) for row in rows]
        in_columns = [entry for column in zip(*filled, strict=True) for entry in column]
        title = None if drawing.color in (None, *SAMPLER_COLUMNS) else axis_label(drawing.color)
        names = [entry.name for entry in in_columns]
        look = {"title": title, "title_fontsize": 8, **_spacing(figure.get_figwidth()).words}
        place = {"loc": "outside upper center", "ncols": num_columns}
        figure.legend([entry.drawn() for entry in in_columns], names, **place, **look)


def _entries_a_row(entries: list[Entry], inches: float) -> int:
    """How many fit; columns are shared by all rows, so the widest entry of all counts."""
    spacing = _spacing(inches)
    widest = spacing.mark + spacing.character * max((len(entry.name) for entry in entries), default=0)
    return max(1, int(inches / widest))


def _spacing(inches: float) -> Spacing:
    return NARROW if inches < NARROW_INCHES else WIDE


def _rows(entries: list[Entry], size: int) -> list[list[Entry]]:
    """Legend entries in as many rows as they need."""
    return [entries[start : start + size] for start in range(0, len(entries), size)]


def _line(color: str, marker: str, line: Literal["-", "--", "-.", ":", "none"], name: str) -> Line2D:
    return Line2D([], [], color=color, marker=marker, linestyle=line, markersize=MARKER_SIZE + 0.5, label=name)


def _verdict_entry(verdict: str) -> Entry:
    """The open marker of a doubtful estimate with the sign of its verdict inside, one drawn over the other."""
    marker = _line(FOOTNOTE_COLOR, "o", "none", outcome_text(verdict))
    marker.set(markerfacecolor="white", markeredgewidth=0.9, markersize=OPEN_SIZE)
    sign = _line(FOOTNOTE_COLOR, VERDICT_LOOKS[verdict].sign, "none", "")
    sign.set(**SIGN)
    return Entry(marker, sign)
