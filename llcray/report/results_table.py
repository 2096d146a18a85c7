"""The table of a sweep's runs: the axes that tell them apart, then the LLC with its two errors, R-hat, ESS, verdict."""

from typing import Any, Literal, NamedTuple

import polars as pl
from llcray_storage.estimate_words import ESTIMATE_HEADING, estimate_cell
from llcray_storage.schema.status import DONE
from rich import box
from rich.table import Table
from rich.text import Text

from llcray.report.colors import terminal_style
from llcray.report.columns import SAMPLER, heading
from llcray.report.numbers import rounded
from llcray.report.varying import SEEDS, prevailing, sampler_axes, target_axes, varying_seeds

GAP = 2
VERDICT_WIDTH = 14


class _Column(NamedTuple):
    header: str
    cells: list[str]
    side: Literal["left", "right"]

    @property
    def width(self) -> int:
        return GAP + max(map(len, [*self.header.splitlines(), *self.cells]))


def leading_columns(runs: pl.DataFrame) -> list[str]:
    """The columns that tell the runs of a sweep apart."""
    finished = runs.filter(pl.col("status") == DONE)
    runs = runs if finished.is_empty() else finished
    return [*target_axes(runs), SAMPLER, *sampler_axes(runs), *varying_seeds(runs)]


def results_table(runs: pl.DataFrame, shown: pl.DataFrame, width: int) -> Table:
    """A row for each of the runs shown; axes that do not fit share one column, with the values that are not usual.

    Args:
        runs: All runs of the sweep, with the columns `sampler` and `outcome`.
        shown: Those to show, in order.
        width: Characters that a row may have.
    """
    numbers = _numbers(shown)
    room = width - sum(column.width for column in numbers) - VERDICT_WIDTH
    table = plain_table()
    columns = [*_leading(runs, shown, room), *numbers]
    for column in columns:
        table.add_column(column.header, justify=column.side, no_wrap=True, overflow="ellipsis")
    table.add_column("verdict", no_wrap=True, min_width=VERDICT_WIDTH)
    rows = zip(*(column.cells for column in columns), strict=True)
    for cells, name in zip(rows, shown["outcome"], strict=True):
        table.add_row(*cells, Text(name or "-", style=terminal_style(name)))
    return table


def plain_table() -> Table:
    """A table for the terminal without a frame, with a line below its head."""
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", show_edge=False)


def _numbers(runs: pl.DataFrame) -> list[_Column]:
    estimates = [estimate_cell(*row) for row in runs.select("llc", "llc_sampling_se", "localization_se").rows()]
    columns = [_Column(ESTIMATE_HEADING, estimates, "right")]
    if runs["true_llc"].is_not_null().any():
        columns.append(_Column("known", [rounded(value) for value in runs["true_llc"]], "right"))
    columns.append(_Column("R-hat", [rounded(value, 3) for value in runs["rhat"]], "right"))
    columns.append(_Column("ESS", [rounded(value, 0) for value in runs["ess_bulk"]], "right"))
    return columns


def _leading(runs: pl.DataFrame, shown: pl.DataFrame, room: int) -> list[_Column]:
    names = leading_columns(runs)
    columns = {name: _axis_column(shown, name, names) for name in names}
    axes = [name for name in names if not name.startswith(SAMPLER) and name not in SEEDS]
    if not axes or sum(column.width for column in columns.values()) <= room:
        return list(columns.values())
    kept = [columns[name] for name in names if name not in axes]
    left = room - sum(column.width for column in kept) - GAP
    usual = {name: prevailing(runs, name) for name in axes}
    return [_differences(shown, usual, max(left, 12)), *kept]


def _axis_column(runs: pl.DataFrame, name: str, names: list[str]) -> _Column:
    """The column of one axis; its header leaves out the section unless another column would then be called the same."""
    same = sum(heading(other) == heading(name) for other in names) > 1
    side = "right" if runs[name].dtype.is_numeric() else "left"
    return _Column(name if same else heading(name), [_cell(value) for value in runs[name]], side)


def _differences(shown: pl.DataFrame, usual: dict[str, Any], width: int) -> _Column:
    """The column of what is unusual about each run's target: `depth=3`, or `base`."""
    texts = []
    for row in shown.select(*usual).iter_rows(named=True):
        changes = [f"{heading(name)}={_cell(value)}" for name, value in row.items() if value != usual[name]]
        text = " ".join(changes) or "base"
        texts.append(text if len(text) <= width else text[: width - 1] + "…")
    return _Column("target", texts, "left")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
