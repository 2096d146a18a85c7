"""Carries out the checks of an experiment on its dataset."""

from dataclasses import dataclass

import llcray_storage as ls
import numpy as np
import polars as pl
from llcray_storage import StorageError
from scipy.stats import mannwhitneyu

from llcray.spec import Sweep
from llcray.spec.findings import Check, Sooner


@dataclass(frozen=True)
class Finding:
    """What became of a check.

    Attributes:
        check: The check.
        value: Its number; None when the dataset gives none.
        detail: More to read, where there is more.
        reproduced: Whether the number is within the bounds.
    """

    check: Check
    value: float | None
    detail: str
    reproduced: bool


def carry_out(sweep: Sweep, size: str, root: str) -> list[Finding]:
    """The findings of the checks that are meant for a size.

    Args:
        sweep: The experiment, of that size.
        size: Its name.
        root: The dataset.

    Raises:
        StorageError: A query is not understood, or there is no dataset.
    """
    ids = pl.DataFrame({"run_id": [run.run_id for run in sweep.runs]})
    runs = ls.scan_runs(root, sweep.name).join(ids.lazy(), on="run_id", how="semi")
    tables = {"runs": runs, "stages": ls.scan_stages(root, sweep.name), "targets": ls.scan_targets(root)}
    return [_found(check, tables) for check in sweep.checks if size in check.sizes]


def _found(check: Check, tables: dict[str, pl.LazyFrame]) -> Finding:
    if check.sooner is not None:
        value, detail = sooner(check.sooner, tables["runs"].collect())
    else:
        value, detail = _number(check, tables), ""
    return Finding(check, value, detail, check.holds(value))


def _number(check: Check, tables: dict[str, pl.LazyFrame]) -> float | None:
    try:
        with pl.SQLContext(tables) as context:
            answer = context.execute(check.sql or "", eager=True)
    except pl.exceptions.PolarsError as error:
        raise StorageError(f"check '{check.claim}': its query failed: {str(error).splitlines()[0]}") from error
    if answer.shape != (1, 1):
        raise StorageError(f"check '{check.claim}': its query gives {answer.shape} values: ask for one number.")
    value = answer.item()
    return None if value is None else float(value)


def sooner(test: Sooner, runs: pl.DataFrame) -> tuple[float | None, str]:
    """p-value of a one-sided Mann-Whitney test over trainings, and the groups in words."""
    trainings = runs.unique("trajectory_id", maintain_order=True)
    groups = {name: trainings.filter(pl.col(test.group) == name)[test.event] for name in (test.sooner, test.later)}
    if any(len(values) == 0 for values in groups.values()):
        return None, f"there are no runs of {' or of '.join(name for name, each in groups.items() if not len(each))}"
    steps = {name: values.cast(pl.Float64).fill_null(np.inf).to_numpy() for name, values in groups.items()}
    # The test is of ranks; a number larger than all keeps censored trainings last, and equal to each other.
    last = 1 + max((value for each in steps.values() for value in each if np.isfinite(value)), default=0.0)
    ranks = {name: np.where(np.isfinite(each), each, last) for name, each in steps.items()}
    p_value = float(mannwhitneyu(ranks[test.sooner], ranks[test.later], alternative="less").pvalue)
    return p_value, "; ".join(_spoken(name, each) for name, each in steps.items())


def _spoken(name: str, steps: np.ndarray) -> str:
    median = float(np.median(steps))
    reached = int(np.isfinite(steps).sum())
    middle = f"median {median:,.0f} steps" if np.isfinite(median) else "median beyond the end"
    return f"{name}: {reached} of {len(steps)} trainings, {middle}"
