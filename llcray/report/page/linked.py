"""Links from the page to the diagnostics that `llcray diagnose` left beside a local dataset."""

import os
from pathlib import Path
from typing import Any

import polars as pl
from llcray_storage.store.settings import Root

from llcray.report.plots.figures import FORMATS
from llcray.report.plots.plot import plots_folder


def linked_diagnostics(root: Root, sweep: str, runs: pl.DataFrame, output: Path) -> dict[str, Any]:
    """Names of the pictures of each run that has any, and the way to their folders from where the page lies."""
    folder = plots_folder(root, sweep)
    if not folder.is_dir():
        return {"folder": "", "runs": {}}
    found = {}
    for run_id in runs["run_id"]:
        names = sorted(path.name for path in (folder / run_id).glob("*_*") if path.suffix.lstrip(".") in FORMATS)
        if names:
            found[run_id] = names
    way = os.path.relpath(folder.absolute(), output.absolute().parent)
    return {"folder": Path(way).as_posix(), "runs": found}
