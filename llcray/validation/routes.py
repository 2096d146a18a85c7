"""Whether routes to an LLC agree: a table with a row a target and a column a route.

Routes that share nothing but the posterior can only agree on the right number by chance, or because it is right. Two of
them disagree where they are more than three of their joint standard errors apart.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llcray.report.colors import terminal_style
from llcray.report.numbers import rounded
from llcray.report.verdict_filter import OK

MAX_Z = 3.0
DISCRETE = 2e-3
"""Share of an LLC that quadrature and float32 may move it by, which no sampling error has."""
MAX_NAME = 24
APART_STYLE = "bold red"
LEGEND = (
    "LLC ± sampling error by each route, at one n beta and gamma; in place of a number that its own",
    "diagnostics doubt, their verdict. Red: more than 3 standard errors from another route.",
)


def print_routes(runs: pl.DataFrame, console: Console) -> None:
    """Prints the table, then the pairs of routes that disagree and the reasons of estimates that are doubted.

    Args:
        runs: Rows of the dataset with column `case`, in the order to show.
        console: Console to print on.
    """
    routes = list(dict.fromkeys(runs["sampler_kind"]))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="bold")
    table.add_column("target", no_wrap=True, overflow="ellipsis", max_width=MAX_NAME)
    for header in ("truth", *routes):
        table.add_column(header.replace("_", "\n"), justify="right", no_wrap=True)
    table.add_column("agree", no_wrap=True)
    remarks: list[Text] = []
    for case in dict.fromkeys(runs["case"]):
        of_case = {row["sampler_kind"]: row for row in runs.filter(case=case).to_dicts()}
        apart = disagreements(list(of_case.values()))
        beyond = {route for *pair, _ in apart for route in pair}
        table.add_row(
            case, _truth(of_case), *(_cell(of_case.get(r), r in beyond) for r in routes), _count(of_case, apart)
        )
        remarks += [
            Text(f"  {case}: {a} and {b} are {abs(z):.1f} standard errors apart", APART_STYLE) for a, b, z in apart
        ]
        remarks += [_doubt(case, row) for row in of_case.values() if row["verdict"] not in (OK, None)]
    console.print()
    console.print(table)
    for line in LEGEND:
        console.print(line, style="dim", highlight=False)
    for remark in remarks:
        console.print(remark, soft_wrap=True)


def disagreements(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str, float]]:
    """The pairs of trusted routes to one LLC that are more than three standard errors apart, with that distance."""
    trusted = [row for row in rows if row["verdict"] == OK]
    apart = []
    for a, b in itertools.combinations(trusted, 2):
        se = np.hypot(_error(a), _error(b))
        z = float((a["llc"] - b["llc"]) / se) if se else 0.0
        if abs(z) > MAX_Z:
            apart.append((a["sampler_kind"], b["sampler_kind"], z))
    return apart


def _error(row: dict[str, Any]) -> float:
    return float(np.hypot(row["llc_sampling_se"], DISCRETE * row["llc"]))


def _truth(of_case: dict[str, dict[str, Any]]) -> str:
    """The answer at this n beta and gamma, else the limit of many examples, marked as such."""
    row = next(iter(of_case.values()))
    if row["true_llc"] is None:
        return "-"
    return rounded(row["true_llc"]) if row["true_llc_kind"] == "finite_temperature" else f"→{rounded(row['true_llc'])}"


def _cell(row: dict[str, Any] | None, is_apart: bool) -> Text:
    if row is None:
        return Text("-", style="dim")
    if row["verdict"] != OK:
        verdict = row["verdict"] or row["status"]
        return Text(verdict.replace("_", " "), style=terminal_style(row["verdict"]))
    return Text(f"{row['llc']:.3g}±{row['llc_sampling_se']:.1g}", style=APART_STYLE if is_apart else "")


def _count(of_case: dict[str, dict[str, Any]], apart: Sequence[Any]) -> str:
    """How many pairs of trusted routes agree."""
    num_trusted = sum(row["verdict"] == OK for row in of_case.values())
    num_pairs = num_trusted * (num_trusted - 1) // 2
    return f"{num_pairs - len(apart)} of {num_pairs}"


def _doubt(case: str, row: dict[str, Any]) -> Text:
    return Text(f"  {case}, {row['sampler_kind']}: {row['verdict']}: {row['verdict_reason']}", style="dim")
