"""Tables for the terminal, readable at 80 columns: the runs of a sweep, and the sweeps of a dataset."""

from collections import Counter
from typing import Any

import polars as pl
from llcray_storage import scan_runs
from llcray_storage.estimate_words import level_note
from llcray_storage.store.settings import Root
from rich.console import Console
from rich.text import Text

from llcray.report.colors import terminal_style
from llcray.report.numbers import plural, rounded
from llcray.report.results_table import leading_columns, plain_table, results_table
from llcray.report.varying import prepared
from llcray.report.verdict_filter import FAILED, OK, OUTCOMES, outcome

MAX_ROWS = 30
MAX_FAILURES = 5
GRAVITY = {name: rank for rank, name in enumerate(OUTCOMES)}


def print_results(root: Root, sweep: str, console: Console, limit: int = MAX_ROWS) -> None:
    """Print a row for each run, the number of runs with each verdict, and why runs failed.

    A row has what varies, the LLC with its two errors, R-hat, ESS and verdict; gamma and n beta stand below. Of more
    than `limit` runs, the least trustworthy are shown, and a line says how many are left out.
    """
    runs = prepared(scan_runs(root, sweep)).with_columns(outcome())
    if runs.is_empty():
        console.print(f"sweep '{sweep}' has no runs yet.")
        return
    shown = runs.sort(*leading_columns(runs), "run_id", nulls_last=True)
    if shown.height > limit:
        by_gravity = shown.with_columns(pl.col("outcome").replace_strict(GRAVITY, default=0).alias("_gravity"))
        shown = by_gravity.sort("_gravity", descending=True, maintain_order=True).head(limit)
    console.print(results_table(runs, shown, console.width))
    if runs.height > shown.height:
        console.print(f"{shown.height} of {runs.height} runs, the doubtful ones first; all: llcray report", style="dim")
    console.print(Text(level_note(shown["localization"], shown["n_beta"]), style="dim"))
    console.print(_summary_line(runs))
    _print_failures(runs, console)


def print_status(root: Root, console: Console) -> None:
    """Print a row for each sweep (runs, verdicts, failures, when a run last finished), and why runs failed."""
    runs = scan_runs(root).with_columns(outcome()).collect().sort("sweep", "run_id")
    if runs.is_empty():
        console.print("No runs yet.")
        return
    table = plain_table()
    table.add_column("sweep", overflow="fold")
    for header in ("runs", "ok", "doubtful", "failed"):
        table.add_column(header, justify="right")
    table.add_column("last finished (UTC)")
    for (name,), group in runs.group_by("sweep", maintain_order=True):
        counts = Counter(group["outcome"])
        doubtful = group.height - counts[OK] - counts[FAILED]
        numbers = (str(number) for number in (group.height, counts[OK], doubtful, counts[FAILED]))
        table.add_row(str(name), *numbers, _moment(group["finished_at"].max()))
    console.print(table)
    _print_failures(runs, console)


def _print_failures(runs: pl.DataFrame, console: Console) -> None:
    failed = runs.filter(pl.col("outcome") == FAILED)
    if failed.is_empty():
        return
    reasons = failed.group_by(pl.col("reason").fill_null("no reason was recorded")).agg(
        pl.len().alias("count"), pl.col("run_id").min()
    )
    console.print("Failed:", style="bold red")
    for reason, count, run_id in reasons.sort(["count", "reason"], descending=[True, False]).head(MAX_FAILURES).rows():
        which = run_id if count == 1 else f"{run_id} and {count - 1} more"
        console.print(Text(f"  {which}: {reason}"))
    if reasons.height > MAX_FAILURES:
        console.print(f"  and {reasons.height - MAX_FAILURES} more reasons; all: llcray report", style="dim")


def _summary_line(runs: pl.DataFrame) -> Text:
    counts = Counter(runs["outcome"])
    line = Text(f"{plural(runs.height, 'run')}: ")
    parts = [(f"{counts[name]} {name}", terminal_style(name)) for name in OUTCOMES if counts[name]]
    for index, (words, style) in enumerate(parts):
        line.append(", " if index else "").append(words, style=style)
    line.append(f"; {rounded(runs['sampling_seconds'].sum(), 0)} s of sampling")
    return line.append(f", {rounded(runs['num_gradients'].sum(), 0)} full-data gradients")


def _moment(value: Any) -> str:
    return "-" if value is None else f"{value:%Y-%m-%d %H:%M}"
