"""Compares the findings that an experiment claims with its dataset."""

from dataclasses import dataclass

import llcray_storage as ls
import numpy as np
import polars as pl
from llcray_storage import StorageError
from scipy.stats import mannwhitneyu

from llcray.spec import Sweep
from llcray.spec.findings import Finding, Sooner


@dataclass(frozen=True)
class CheckedFinding:
    """A finding that was compared with a dataset.

    Attributes:
        finding: The finding as the file claims it.
        value: The number that the dataset gives; None when it gives none.
        detail: Explanation of the number, where there is more to read.
        reproduced: Whether the number is within the bounds.
    """

    finding: Finding
    value: float | None
    detail: str
    reproduced: bool


def carry_out(sweep: Sweep, size: str, root: str) -> list[CheckedFinding]:
    """Compares the findings that are meant for a size with the dataset.

    Args:
        sweep: The experiment, of that size.
        size: Name of the size.
        root: Root of the dataset.

    Raises:
        StorageError: A query is not understood, or there is no dataset.
    """
    ids = pl.DataFrame({"run_id": [run.run_id for run in sweep.runs]})
    runs = ls.scan_runs(root, sweep.name).join(ids.lazy(), on="run_id", how="semi")
    tables = {"runs": runs, "stages": ls.scan_stages(root, sweep.name), "targets": ls.scan_targets(root)}
    return [_checked(finding, tables) for finding in sweep.checks if size in finding.sizes]


def _checked(finding: Finding, tables: dict[str, pl.LazyFrame]) -> CheckedFinding:
    if finding.sooner is not None:
        value, detail = p_value_of(finding.sooner, tables["runs"].collect())
    else:
        value, detail = _number(finding, tables), ""
    return CheckedFinding(finding, value, detail, finding.holds(value))


def _number(finding: Finding, tables: dict[str, pl.LazyFrame]) -> float | None:
    try:
        with pl.SQLContext(tables) as context:
            answer = context.execute(finding.sql or "", eager=True)
    except pl.exceptions.PolarsError as error:
        raise StorageError(f"check '{finding.claim}': its query failed: {str(error).splitlines()[0]}") from error
    if answer.shape != (1, 1):
        raise StorageError(f"check '{finding.claim}': its query gives {answer.shape} values: ask for one number.")
    value = answer.item()
    return None if value is None else float(value)


def p_value_of(test: Sooner, runs: pl.DataFrame) -> tuple[float | None, str]:
    """Returns the p-value of a one-sided Mann-Whitney test over trainings, and a description of the groups.

    Args:
        test: The event that is claimed to come sooner in one group of trainings than in another.
        runs: Rows of the experiment's runs; those of one training share their `trajectory_id`.
    """
    trainings = runs.unique("trajectory_id", maintain_order=True)
    groups = {name: trainings.filter(pl.col(test.group) == name)[test.event] for name in (test.sooner, test.later)}
    empty = [name for name, values in groups.items() if len(values) == 0]
    if empty:
        return None, f"there are no runs of {' or of '.join(empty)}"
    steps = {name: values.cast(pl.Float64).fill_null(np.inf).to_numpy() for name, values in groups.items()}
    # The test is of ranks; a number larger than all keeps censored trainings last, and equal to each other.
    last = 1 + max((step for group in steps.values() for step in group if np.isfinite(step)), default=0.0)
    ranks = {name: np.where(np.isfinite(group), group, last) for name, group in steps.items()}
    p_value = float(mannwhitneyu(ranks[test.sooner], ranks[test.later], alternative="less").pvalue)
    return p_value, "; ".join(_describe(name, group) for name, group in steps.items())


def _describe(name: str, steps: np.ndarray) -> str:
    median = float(np.median(steps))
    reached = int(np.isfinite(steps).sum())
    middle = f"median {median:,.0f} steps" if np.isfinite(median) else "median beyond the end"
    return f"{name}: {reached} of {len(steps)} trainings, {middle}"
