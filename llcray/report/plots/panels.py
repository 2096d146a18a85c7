"""The panels of a sweep plot: facets of one x axis, or one panel for each axis that is varied alone."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from llcray.report.columns import SAMPLER, is_number, label_of
from llcray.report.errors import ReportError
from llcray.report.plots.scale import STEP, value_text
from llcray.report.plots.series import MAX_SERIES
from llcray.report.varying import prevailing, sampler_axes, target_axes, values_of

LABEL = "label"
COMPONENT = "component"
MAX_PANELS = 24
MAX_DEFAULT_PANELS = 12
MAX_DEFAULT_FACET = 6


@dataclass(frozen=True)
class Panel:
    """One pair of axes and the runs on it.

    Attributes:
        title: The values that its runs share; "" if all runs are in it.
        x: Column along the x axis.
        runs: Its runs.
        facets: The columns whose values its runs share, with these values.
    """

    title: str
    x: str
    runs: pl.DataFrame
    facets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """The panels of a plot, in reading order.

    Attributes:
        panels: One or more panels.
        num_columns: Panels in a row.
        pooled: Axes that vary inside a point, beside the seeds.
    """

    panels: tuple[Panel, ...]
    num_columns: int
    pooled: tuple[str, ...] = ()


def faceted(runs: pl.DataFrame, x: str, color: str | None, facets: Sequence[str]) -> Layout:
    """A panel for each combination of the facets' values; the first facet goes across, the second down.

    Raises:
        ReportError: There would be too many panels.
    """
    values = [values_of(runs, name) for name in facets]
    combinations = list(itertools.product(*reversed(values)))
    if len(combinations) > MAX_PANELS:
        raise ReportError(
            f"facets {', '.join(facets)} make {len(combinations)} panels, more than {MAX_PANELS}: add a --filter."
        )
    panels = []
    for combination in combinations:
        pairs = list(zip(facets, reversed(combination), strict=True))
        inside = runs.filter(*(pl.col(name).eq_missing(value) for name, value in pairs))
        title = ", ".join(f"{label_of(name)}: {value_text(value)}" for name, value in pairs)
        panels.append(Panel(title, x, inside, dict(pairs)))
    num_columns = len(values[0]) if len(values) > 1 else min(len(combinations), 4)
    used = {x, color, *facets}
    pooled = [
        name for name in (*target_axes(runs), *sampler_axes(runs)) if name not in used and _varies(panels, used, name)
    ]
    if SAMPLER not in used and _varies(panels, used, SAMPLER):
        pooled.append(SAMPLER)
    return Layout(tuple(panels), num_columns, tuple(pooled))


class DefaultAxes(NamedTuple):
    """The axes that suit a sweep when nobody chooses.

    Attributes:
        x: Column along the x axis; None for one panel for each target axis, with the others at their usual value.
        facets: Up to two columns with a panel for each of their values.
    """

    x: str | None
    facets: list[str]


def automatic(runs: pl.DataFrame) -> Layout:
    """The panels that suit the axes that vary."""
    x, facets = default_axes(runs)
    if x is not None:
        return faceted(runs, x, default_color(runs, x), facets)
    axes = target_axes(runs)
    usual = usual_values(runs, axes)
    panels = tuple(Panel("", name, runs.filter(_others_usual(usual, name))) for name in axes)
    return Layout(panels, min(len(panels), 3))


def default_axes(runs: pl.DataFrame) -> DefaultAxes:
    """Samplers where there are more than colours tell apart; no x axis where each axis varies alone; else training, the
    number with most values, or the first axis.
    """
    axes = target_axes(runs)
    if runs[SAMPLER].n_unique() > MAX_SERIES:
        return DefaultAxes(SAMPLER, [name for name in axes if runs[name].n_unique() <= MAX_DEFAULT_FACET][:1])
    if STEP not in axes and one_at_a_time(runs, axes):
        return DefaultAxes(None, [])
    axes += sampler_axes(runs)
    if not axes:
        return DefaultAxes(SAMPLER, [])
    numbers = [name for name in axes if is_number(name)]
    x = STEP if STEP in axes else max(numbers or axes, key=lambda name: runs[name].n_unique())
    used = {x, default_color(runs, x)}
    rest = [name for name in axes if name not in used and runs[name].n_unique() <= MAX_DEFAULT_FACET]
    facets = rest[:2]
    if len(facets) == 2 and runs[facets[0]].n_unique() * runs[facets[1]].n_unique() > MAX_DEFAULT_PANELS:
        facets = facets[:1]
    return DefaultAxes(x, facets)


def default_color(runs: pl.DataFrame, x: str | None) -> str | None:
    """The column to colour by, of those that vary: the sampler, else the label of the targets, else the component.

    One with more values than colours tell apart is passed over.
    """
    for column in (SAMPLER, LABEL, COMPONENT):
        if column != x and 1 < runs[column].n_unique() <= MAX_SERIES:
            return column
    return None


def one_at_a_time(runs: pl.DataFrame, axes: Sequence[str]) -> bool:
    """Whether each run's target differs from the usual one in at most one axis, and at least two axes vary so."""
    if len(axes) < 2:
        return False
    usual = usual_values(runs, axes)
    alone = runs.select(pl.any_horizontal(_others_usual(usual, name) for name in axes).all()).item()
    changed = runs.select(pl.col(name).ne_missing(pl.lit(usual[name])).any() for name in axes)
    return bool(alone) and sum(changed.row(0)) > 1


def usual_values(runs: pl.DataFrame, axes: Sequence[str]) -> dict[str, Any]:
    """The commonest value of each axis."""
    return {name: prevailing(runs, name) for name in axes}


def _others_usual(usual: dict[str, Any], name: str) -> pl.Expr:
    """Whether all axes but `name` have their usual value.

    Where `name` itself has an unusual one, other axes may be null, as the number of parameters asked for is where
    widths are given, and a depth may be the one that those widths have.
    """
    changed = pl.col(name).is_not_null() & pl.col(name).ne_missing(pl.lit(usual[name]))
    depth = name.removesuffix("widths") + "depth"
    others = [
        pl.col(other).eq_missing(pl.lit(value)) | (changed & (pl.col(other).is_null() | pl.lit(other == depth)))
        for other, value in usual.items()
        if other != name
    ]
    return pl.all_horizontal(others)


def _varies(panels: Sequence[Panel], used: set[str | None], name: str) -> bool:
    """Whether a column varies within a point of some panel."""
    by = [column for column in used if column is not None]
    return any(
        not panel.runs.is_empty() and panel.runs.group_by(by).agg(pl.col(name).n_unique())[name].max() != 1
        for panel in panels
    )
