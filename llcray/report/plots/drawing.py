"""The contents of a sweep plot: panels of runs, the number, the colours, and stages where training is the x axis."""

from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from llcray.report.aggregate import aggregate, match_axes, with_matches
from llcray.report.plots.levels import Level
from llcray.report.plots.panels import Layout


def no_stages() -> pl.DataFrame:
    """A table of stages without rows."""
    return pl.DataFrame(schema={"series_id": pl.String, "start_step": pl.Float64})


@dataclass(frozen=True)
class Drawing:
    """Everything that a sweep plot shows.

    Attributes:
        layout: Panels and their runs, with the columns `sampler` and `outcome`.
        y: Column of the number.
        color: Column that tells series apart; None for one series.
        log_x: Whether x axes are logarithmic; None to choose.
        log_y: The same for y.
        stages: Rows of the table `stages` for this number, where x is the training step.
        levels: Numbers known from theory.
    """

    layout: Layout
    y: str
    color: str | None
    log_x: bool | None = None
    log_y: bool | None = None
    stages: pl.DataFrame = field(default_factory=no_stages)
    levels: tuple[Level, ...] = ()

    @cached_property
    def marked(self) -> list[pl.DataFrame]:
        """The runs of each panel as `llcray.report.aggregate.with_matches` marks them."""
        candidates = match_axes(self.runs)
        return [with_matches(panel.runs, panel.x, self.color, self.y, candidates) for panel in self.layout.panels]

    @property
    def runs(self) -> pl.DataFrame:
        """The runs of all panels, each once."""
        return pl.concat([panel.runs for panel in self.layout.panels]).unique("run_id", maintain_order=True)

    @cached_property
    def means(self) -> list[pl.DataFrame]:
        """The means of each panel; no rows where a panel has none."""
        by = [] if self.color is None else [self.color]
        pairs = zip(self.layout.panels, self.marked, strict=True)
        return [aggregate(marked, [*dict.fromkeys([panel.x, *by])], self.y) for panel, marked in pairs]

    def all_means(self) -> list[pl.DataFrame]:
        """The means of the panels that have any."""
        return [means for means in self.means if not means.is_empty()]

    @cached_property
    def has_unlike_counts(self) -> bool:
        """Whether means are over different numbers of runs, which then stand beside the marks."""
        return len({count for means in self.means for count in means["num_runs"]}) > 1
