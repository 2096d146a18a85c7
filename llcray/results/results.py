"""The results of a sweep: its runs as a table, their matched means, a figure, and the page."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Unpack

import polars as pl
from llcray_storage import scan_runs
from llcray_storage.estimate_words import estimate_cell, level_note
from matplotlib.figure import Figure

from llcray.display import html
from llcray.report.columns import heading
from llcray.report.page.page import write_report
from llcray.report.plots.plot import PlotRequest, means_of
from llcray.report.results_table import leading_columns
from llcray.report.varying import prepared
from llcray.report.verdict_filter import FAILED, OK, outcome
from llcray.results.plot import PlotOptions, plot_runs

MOST_ROWS = 30


@dataclass(frozen=True)
class Results:
    """The results of a sweep, read from its dataset anew each time.

    Attributes:
        storage: Root of the dataset.
        name: Name of the sweep.
        run_ids: The runs of the sweep as it was asked for; runs of an earlier version of it are left out.
        question: The question that the sweep was to answer.
    """

    storage: str
    name: str
    run_ids: tuple[str, ...] = field(repr=False)
    question: str = ""

    @property
    def frame(self) -> pl.DataFrame:
        """A row for each run that is in the dataset, with every column that has a value in one of them."""
        runs = self._runs()
        return runs.select(column.name for column in runs if column.null_count() < runs.height)

    def summary(self, x: str | None = None, *, y: str = "llc", color: str | None = None) -> pl.DataFrame:
        """The means that the plot shows: over seeds, and over the same targets in all that is compared.

        Args:
            x: Column of the x axis; None for what the sweep varies.
            y: Column of numbers.
            color: Column that tells series apart; None for the sampler where there are several.

        Returns:
            A row for each mark: the values of x and color, mean, spread between seeds, errors, and number of runs.

        Raises:
            ReportError: A column is unknown, or no run has an estimate that may be averaged.
        """
        return means_of(self.storage, PlotRequest(x, y, color, sweep=self.name, run_ids=self.run_ids))

    def plot(self, x: str | None = None, **options: Unpack[PlotOptions]) -> Figure:
        """A figure of the sweep, as `llcray.plot` draws it, with the same options.

        Args:
            x: Column of the x axis; None for a panel for each axis of the sweep.
            options: Of `PlotOptions`.

        Raises:
            ReportError: A column or filter is not understood, or no run is left.
        """
        return plot_runs(self.storage, x, self.name, self.run_ids, options)

    def report(self, path: str | Path | None = None) -> Path:
        """Writes the sweep's page, which opens without a network, and returns its file.

        Args:
            path: The HTML file; None for one named like the sweep, in the working directory.

        Raises:
            ReportError: The sweep has no runs yet, or the file cannot be written.
        """
        return write_report(self.storage, self.name, Path(path or f"{self.name}.html"), self.question or None)

    def __len__(self) -> int:
        return len(self.run_ids)

    def __repr__(self) -> str:
        return f"Results of sweep '{self.name}' in {self.storage}: {self._counts(self._runs())}"

    def _repr_html_(self) -> str:
        runs = self._runs()
        if runs.is_empty():
            return html.text(repr(self))
        leading = leading_columns(runs)
        shown = runs.sort(*leading, "run_id", nulls_last=True).head(MOST_ROWS)
        rows = [
            [
                *(html.text("-" if row[name] is None else row[name]) for name in leading),
                html.bold(estimate_cell(row["llc"], row["llc_sampling_se"], row["localization_se"])),
                html.verdict(row["outcome"] or "-"),
            ]
            for row in shown.iter_rows(named=True)
        ]
        more = f"{MOST_ROWS} of {runs.height} runs shown. " if runs.height > MOST_ROWS else ""
        level = level_note(runs["localization"], runs["n_beta"], runs["localization_se"])
        note = f"{self._counts(runs)}. {more}{level}"
        heads = [*map(heading, leading), "LLC ± sampling ± localization", "verdict"]
        return f"<div>{html.text(self.question)}</div>{html.grid(heads, rows, note)}"

    def _runs(self) -> pl.DataFrame:
        mine = scan_runs(self.storage, self.name).filter(pl.col("run_id").is_in(list(self.run_ids)))
        return prepared(mine).with_columns(outcome())

    def _counts(self, runs: pl.DataFrame) -> str:
        of_outcome = Counter(runs["outcome"])
        missing = len(self.run_ids) - runs.height
        doubtful = runs.height - of_outcome[OK] - of_outcome[FAILED]
        parts = [f"{of_outcome[OK]} ok"]
        others = ((doubtful, "doubtful"), (of_outcome[FAILED], "failed"))
        parts += [f"{number} {word}" for number, word in others if number]
        parts += [f"{missing} not run yet"] if missing else []
        return f"{len(self.run_ids)} runs: {', '.join(parts)}"
