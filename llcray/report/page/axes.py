"""The axes of the page's charts, decided by the rules of `llcray plot` and handed to the script as data."""

from typing import Any

import polars as pl

from llcray.report.page.plain import plain
from llcray.report.plots.drawing import Drawing
from llcray.report.plots.panels import automatic, default_color
from llcray.report.plots.scale import STEP, Scale, log_tick_text, log_ticks, scale_of
from llcray.report.plots.y_range import YRange, doubtful_bars, range_around, trusted_ends
from llcray.report.results_table import leading_columns
from llcray.report.varying import is_measured
from llcray.report.verdict_filter import OF_THE_TARGET, outcome

NUMERIC_ROOM = 0.06
RANK_ROOM = 0.7
"""Room for the series at one value of the x axis: a share of a numeric axis, or of the way to the next value."""
Y_SCALES: dict[str, bool | None] = {"auto": None, "linear": False, "log": True}


def x_axes(runs: pl.DataFrame, names: list[str]) -> dict[str, dict[str, Any]]:
    """The x axis for each column that has values.

    Args:
        runs: The runs that did not fail.
        names: Columns. Where a number that is no axis of the sweep is missing, the run has no place.

    Returns:
        By column `type` and `range` in Plotly's words; `ticks` and their `texts` (null where Plotly chooses); `room`
        for the series at one value, in decades if the type is log; `values` and their `places` where a value is not
        its own place; `numeric`, whether places have a meaning; and `measured`, whether runs measured the values.
    """
    axes = set(leading_columns(runs))
    columns = [runs[name] if name in axes else _finite(runs[name]) for name in names]
    return {
        column.name: _x_axis(scale_of(column, None)) | {"measured": is_measured(runs, column.name)}
        for column in columns
        if not column.is_empty()
    }


def _finite(numbers: pl.Series) -> pl.Series:
    return numbers.filter(numbers.is_finite().fill_null(False))


def _x_axis(scale: Scale) -> dict[str, Any]:
    first, last = (scale.coordinate(scale.position(scale.values[end])) for end in (0, -1))
    low, high = (scale.coordinate(limit) for limit in scale.limits())
    ticks = scale.ticks()
    has_places = not scale.numeric or scale.starts_at_zero
    return {
        "type": "log" if scale.logarithmic and not scale.starts_at_zero else "linear",
        "range": [low, high] if high > low else None,
        "ticks": None if ticks is None else [_place(scale, scale.position(value)) for value in ticks],
        "texts": None if ticks is None else [scale.tick_text(value) for value in ticks],
        "room": NUMERIC_ROOM * (last - first) if scale.numeric else RANK_ROOM,
        "values": [plain(value) for value in scale.values] if has_places else None,
        "places": [_place(scale, scale.position(value)) for value in scale.values] if has_places else None,
        "numeric": scale.numeric,
    }


def _place(scale: Scale, position: float) -> float:
    """The position in the words of the axis: Plotly takes logarithms itself, but has no axis that starts at zero."""
    return scale.coordinate(position) if scale.starts_at_zero else position


def y_axes(runs: pl.DataFrame, names: list[str]) -> dict[str, dict[str, Any]]:
    """The y axis for each number, with each choice of scale: the axis that `llcray plot --y NUMBER` would have.

    Args:
        runs: The runs that did not fail, with the columns `sampler` and `outcome`.
        names: Columns of numbers.

    Returns:
        By column and choice of scale (`auto`, `linear`, `log`): whether the axis is `logarithmic`, the lowest and
        highest value drawn at their place (`low`, `high`), the `limits` that the axis holds at least when all runs are
        drawn, and `ticks` with their `texts` (null where Plotly chooses).
    """
    runs_of_targets = runs.with_columns(outcome(next(iter(OF_THE_TARGET))))
    color = default_color(runs, None)
    layouts = {True: automatic(runs_of_targets), False: automatic(runs)}
    axes = {}
    for name in names:
        drawing = Drawing(layouts[name in OF_THE_TARGET], name, color)
        ends, others = trusted_ends(drawing), doubtful_bars(drawing)
        axes[name] = {choice: _y_axis(range_around(ends, others, is_log)) for choice, is_log in Y_SCALES.items()}
    return axes


def _y_axis(range_: YRange) -> dict[str, Any]:
    ticks = log_ticks(range_.low, range_.high) if range_.logarithmic else None
    return {
        "logarithmic": range_.logarithmic,
        "low": plain(range_.low),
        "high": plain(range_.high),
        "limits": plain(range_.with_margin()),
        "ticks": ticks,
        "texts": None if ticks is None else [log_tick_text(tick) for tick in ticks],
    }


def placed_stages(runs: pl.DataFrame, stages: pl.DataFrame) -> list[dict[str, Any]]:
    """Stages with their boundaries as places of the x axis of training steps.

    Args:
        runs: The runs that did not fail.
        stages: Rows of the table `stages`.
    """
    scale = scale_of(runs[STEP], None)
    bounds = {"start": "start_step", "end": "end_step", "low": "end_step_low", "high": "end_step_high"}
    return [
        {
            "series_id": stage["series_id"],
            "direction": stage["direction"],
            "is_last": stage["stage"] == stage["num_stages"] - 1,
            **{end: None if stage[name] is None else _place(scale, stage[name]) for end, name in bounds.items()},
        }
        for stage in stages.to_dicts()
    ]
