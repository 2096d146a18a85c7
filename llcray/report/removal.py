"""`llcray remove`: which runs are meant, and a line that says what would go."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from llcray_storage import require_sweep, scan_runs
from llcray_storage.schema.status import FAILED
from llcray_storage.store.settings import Root

from llcray.report.errors import ReportError
from llcray.report.filters import parse_filter
from llcray.report.varying import prepared


@dataclass(frozen=True)
class Removal:
    """The runs of a sweep that are to be removed.

    Attributes:
        sweep: Name of the sweep.
        run_ids: The runs.
        is_whole_sweep: Whether the sweep goes with all that belongs to it.
        line: What would go, in words.
    """

    sweep: str
    run_ids: tuple[str, ...]
    is_whole_sweep: bool
    line: str


def find_removal(root: Root, sweep: str, condition: str | None, run_ids: Sequence[str]) -> Removal:
    """Find the runs to remove: all of a sweep, those that a filter keeps, or those that are named.

    Raises:
        ReportError: There is no such run, or the filter is not understood or keeps no run.
        StorageError: There is no dataset or no such sweep.
    """
    require_sweep(root, sweep)
    runs = prepared(scan_runs(root, sweep))
    unknown = [run_id for run_id in run_ids if run_id not in set(runs["run_id"])]
    if unknown:
        raise ReportError(f"sweep '{sweep}' has no run '{unknown[0]}': write its whole id.")
    chosen = runs.filter(parse_filter(condition)) if condition is not None else runs
    chosen = chosen.filter(pl.col("run_id").is_in(list(run_ids))) if run_ids else chosen
    if chosen.is_empty():
        raise ReportError(f"no run of sweep '{sweep}' matches: nothing to remove.")
    is_whole = condition is None and not run_ids
    counts = Counter(chosen["status"])
    failed = f" ({counts[FAILED]} failed)" if counts[FAILED] else ""
    rest = "with the sweep's stages and files" if is_whole else f"of {runs.height}"
    noun = "run" if chosen.height == 1 else "runs"
    line = f"{chosen.height} {noun}{failed} {rest}, and their draws: sweep '{sweep}' in {root}"
    return Removal(sweep, tuple(chosen["run_id"]), is_whole, line)
