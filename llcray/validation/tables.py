"""The tables of `llcray validate`: a row a run, a row a sampler, and the runs that missed. Made for 100 columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from llcray_storage.estimate_words import ESTIMATE_HEADING, estimate_cell
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llcray.report.colors import terminal_style
from llcray.report.numbers import rounded
from llcray.report.results_table import plain_table
from llcray.validation.summary import ASYMPTOTIC, BEST_KNOWN, FINITE, Score
from llcray.validation.traps import Trap

KIND_MARKS = {"local": "", "global": "≥"}
HEADERS = ("sampler", "finite T", "n → ∞", ESTIMATE_HEADING, "error", "z", "FDE", "verdict")
LEGEND = (
    "finite T: exact at this n beta and gamma. n → ∞: asymptotic, with m if not 1; ≥: a lower bound.",
    "error, z: against finite T where known, else n → ∞. Dim: not counted below. DLN: deep linear net.",
    "z = (LLC - truth)/se, se the sampling error with that of a truth that is a long",
    "run's and, against n → ∞, of the localization.",
)
SCORES_LEGEND = (
    "truth: finite T where known, else n → ∞ with m = 1. runs: counted+not. median, p90, worst: of",
    "|LLC - truth|/truth; bias: its signed mean; ±95%: median half width of intervals, relative; in 95%:",
    "truths inside; tau: Kendall's, of order; FDE, CPU s: full-data gradients and CPU seconds of",
    "sampling, median a run.",
)
NUM_WORST = 5
MIN_NAME = 12
MISSED_STYLE, LEFT_OUT_STYLE = "bold red", "dim"


def print_validation(runs: pl.DataFrame, scores: Iterable[Score], console: Console) -> None:
    """Prints the tables, then the runs that missed.

    Args:
        runs: Rows as `compared` gives them, with column `case`, in the order to show.
        scores: Scores of the samplers.
        console: Console to print on.
    """
    console.print(runs_table(runs, console.width))
    for line in LEGEND:
        console.print(line, style="dim", highlight=False)
    console.print()
    best, asymptotic = _split(scores)
    console.print(scores_table(best))
    for line in SCORES_LEGEND:
        console.print(line, style="dim", highlight=False)
    console.print()
    for score in asymptotic:
        console.print(_against_limit(score), highlight=False, soft_wrap=True)
    _print_remarks(runs, console)


def runs_table(runs: pl.DataFrame, width: int) -> Table:
    """The table with a row for each run. Names of targets are cut where the width does not suffice."""
    rows = list(runs.iter_rows(named=True))
    cells = [_cells(row, repeated=row["case"] == before) for row, before in zip(rows, _shifted(rows), strict=True)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0, header_style="bold", show_edge=False)
    widths = [
        max([*map(len, header.splitlines()), *(len(row[index]) for row in cells)])
        for index, header in enumerate(HEADERS, 1)
    ]
    room = width - sum(1 + column for column in widths)
    table.add_column("target", no_wrap=True, overflow="ellipsis", max_width=max(room, MIN_NAME))
    for header in HEADERS:
        table.add_column(header, justify="left" if header in ("sampler", "verdict") else "right", no_wrap=True)
    for row, texts in zip(rows, cells, strict=True):
        table.add_row(*texts, style=LEFT_OUT_STYLE if row["left_out"] else "")
    return table


def scores_table(scores: Iterable[Score]) -> Table:
    """The table with a row for each sampler."""
    table = plain_table()
    table.add_column("sampler", no_wrap=True)
    headers = ("runs", "failed", "doubted", "median", "p90", "worst", "bias", "±95%", "in 95%", "tau", "FDE", "CPU s")
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    for score in scores:
        table.add_row(
            score.sampler,
            f"{score.num_counted}+{score.num_left_out}" if score.num_left_out else str(score.num_counted),
            str(score.num_failed),
            str(score.num_doubted),
            *(percent(value) for value in (score.median_error, score.p90_error, score.worst_error)),
            percent(score.bias, signed=True),
            percent(score.half_width),
            f"{score.num_covered}/{score.num_counted}",
            rounded(score.kendall_tau, 3),
            rounded(score.median_gradients, 0),
            rounded(score.median_seconds, 1),
        )
    return table


def print_traps(traps: Sequence[Trap], verdicts: Mapping[str, str], console: Console) -> int:
    """Prints a row for each trap with the verdict that its run got.

    Args:
        traps: Traps that were run.
        verdicts: Verdicts of runs, by id.
        console: Console to print on.

    Returns:
        Number of traps that went unnoticed, since their verdict is not one of the right ones.
    """
    table, unnoticed = plain_table(), 0
    for header in ("trap", "sampler", "verdict", ""):
        table.add_column(header, no_wrap=True)
    for trap in traps:
        verdict = verdicts.get(trap.spec.run_id, "missing")
        right = verdict in trap.right
        unnoticed += not right
        remark = Text("" if right else f"should be {' or '.join(trap.right)}", style=MISSED_STYLE)
        table.add_row(trap.name, trap.kind, Text(verdict, style=terminal_style(verdict)), remark)
    console.print(table)
    console.print(f"Traps: {len(traps)}, unnoticed: {unnoticed}.", highlight=False)
    return unnoticed


def _split(scores: Iterable[Score]) -> tuple[list[Score], list[Score]]:
    """The scores against the best answers, and those against n -> infinity that count any run."""
    all_scores = list(scores)
    asymptotic = [score for score in all_scores if score.against == ASYMPTOTIC and score.num_counted]
    return [score for score in all_scores if score.against == BEST_KNOWN], asymptotic


def _against_limit(score: Score) -> str:
    """One line with the errors of a sampler against n -> infinity, which include those of finite n and gamma."""
    errors = [percent(value) for value in (score.median_error, score.p90_error, score.worst_error)]
    return (
        f"{score.sampler} against n → ∞, all with m = 1 ({score.num_counted} runs): median {errors[0]}, "
        f"p90 {errors[1]}, worst {errors[2]}, bias {percent(score.bias, signed=True)}."
    )


def percent(share: float | None, signed: bool = False) -> str:
    """A share as `2.1%`; `-` for none."""
    if share is None or share != share:
        return "-"
    return f"{100 * share:{'+' if signed else ''}.1f}%"


def _cells(row: dict[str, Any], repeated: bool) -> list[str | Text]:
    finite = row["true_llc"] if row["true_llc_kind"] == FINITE else None
    verdict = row["verdict"] if row["has_estimate"] else "failed"
    z = Text(rounded(row["z"], 1))
    if row["covered"] is False and row["left_out"] is None:
        z.stylize(MISSED_STYLE)
    return [
        "" if repeated else row["case"],
        row["sampler_kind"],
        rounded(finite),
        _asymptotic(row),
        estimate_cell(row["llc"], row["llc_sampling_se"], row["localization_se"]),
        percent(row["relative_error"], signed=True),
        z,
        rounded(row["num_gradients"], 0),
        Text(verdict, style=terminal_style(verdict)),
    ]


def _asymptotic(row: dict[str, Any]) -> str:
    value, order = row["true_llc_asymptotic"], row["true_multiplicity"]
    if value is None:
        return "-"
    mark = KIND_MARKS.get(row["true_llc_kind"], "")
    return f"{mark}{rounded(value)}" + (f" m={order:.0f}" if order is not None and order != 1 else "")


def _shifted(rows: Sequence[dict[str, Any]]) -> list[str | None]:
    """The case of the row before each row; None for the first."""
    return [None, *(row["case"] for row in rows[:-1])]


def _print_remarks(runs: pl.DataFrame, console: Console) -> None:
    left = runs.filter(pl.col("left_out").is_not_null())
    for reason, count in left.group_by("left_out").len().sort("left_out").rows():
        console.print(f"Not counted: {count} of {runs.height} runs, {reason}.", style="dim", highlight=False)
    missed = runs.filter(pl.col("left_out").is_null() & (pl.col("covered") == False))  # noqa: E712
    if not missed.is_empty():
        console.print("Outside their 95% interval:", highlight=False)
    for row in missed.iter_rows(named=True):
        console.print(Text(f"  {row['case']}, {row['sampler_kind']}: {_miss(row)}"))
    _print_worst(runs, console)
    for row in runs.filter(~pl.col("has_estimate")).iter_rows(named=True):
        reason = row["reason"] or row["verdict_reason"] or "no reason was recorded"
        console.print(Text(f"  {row['case']}, {row['sampler_kind']}: no estimate: {reason}", style=MISSED_STYLE))


def _print_worst(runs: pl.DataFrame, console: Console) -> None:
    counted = runs.filter(pl.col("left_out").is_null() & pl.col("relative_error").is_not_null())
    if counted.height <= NUM_WORST:
        return
    console.print("Largest errors:", highlight=False)
    for row in counted.sort(pl.col("relative_error").abs(), descending=True).head(NUM_WORST).iter_rows(named=True):
        console.print(Text(f"  {row['case']}, {row['sampler_kind']}: {_miss(row)}"))


def _miss(row: dict[str, Any]) -> str:
    known = "the exact value" if row["true_llc_kind"] == FINITE else "n → ∞, which may not hold at this n and gamma"
    comparison = f"{percent(row['relative_error'], signed=True)}, z {row['z']:.1f} against {known}"
    return comparison + (f" ({row['verdict']})" if row["verdict"] != "ok" else "")
