"""`llcray.sweep`: a sweep from Python, by the driver of the command line, into the same dataset, under the same ids."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llcray.driver import SweepOptions, run_sweep
from llcray.driver.progress.view import choose_view
from llcray.results.results import Results
from llcray.spec import load_sweep
from llcray.terminal.console import Terminal


def sweep(
    source: str | Path | Mapping[str, Any],
    *,
    storage: str | Path = "results",
    overrides: Sequence[str] = (),
    address: str | None = None,
    max_concurrent: int | None = None,
    time_budget: float | None = None,
    retry_failed: bool = False,
    quiet: bool = False,
) -> Results:
    """Runs what the dataset lacks of a sweep, as `llcray sweep` does, and returns the results of all its runs.

    Ctrl-C (in a notebook: interrupt) stops; finished runs are kept, and the same call goes on.

    Args:
        source: A sweep file, or a mapping with the same keys, in which specs such as `samplers.SGLD(...)` may stand.
        storage: Root of the dataset: a folder, s3://, gs:// or a profile file.
        overrides: Changes of single values, `path=value` each, as with `--set`.
        address: Ray cluster to use; None starts Ray on this machine.
        max_concurrent: Trials at a time.
        time_budget: Seconds to stop after; finished runs are kept.
        retry_failed: Whether failed runs are computed again.
        quiet: Whether only failures and the last line are printed.

    Raises:
        SpecError: The file or mapping has mistakes; the error holds all of them.
        StorageError: The dataset cannot be used.
        DriverError: There is no such cluster, or trials do not fit on it.
    """
    options = SweepOptions(
        storage=str(storage),
        overrides=tuple(overrides),
        address=address,
        max_concurrent=max_concurrent,
        time_budget=time_budget,
        retry_failed=retry_failed,
        quiet=quiet,
    )
    asked = load_sweep(source, options.overrides)
    # Tables and hints are for the command line: here the results are shown, by whoever asked for them.
    nowhere = Terminal(file=io.StringIO(), force_jupyter=False)
    run_sweep(source, options, console=nowhere, view=choose_view(options, Terminal(stderr=True)))
    return Results(str(storage), asked.name, tuple(run.run_id for run in asked.runs), asked.question)
