"""The contents of a sweep plot: panels of runs, the number, the colours, and stages where training is the x axis."""

from dataclasses import dataclass, field

import polars as pl

from llcray.report.aggregate import aggregate
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

    @property
    def runs(self) -> pl.DataFrame:
        """The runs of all panels, each once."""
        return pl.concat([panel.runs for panel in self.layout.panels]).unique("run_id", maintain_order=True)

    def aggregated(self) -> list[pl.DataFrame]:
        """The means of each panel that has any."""
        by = [] if self.color is None else [self.color]
        groups = [aggregate(panel.runs, [*dict.fromkeys([panel.x, *by])], self.y) for panel in self.layout.panels]
        return [group for group in groups if not group.is_empty()]
