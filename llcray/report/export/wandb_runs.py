"""Runs for Weights & Biases, by its client: online, or offline with `WANDB_MODE=offline`."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llcray.report.errors import ReportError
from llcray.report.export.runs import ExportedRun


def log_to_wandb(runs: Sequence[ExportedRun], project: str) -> str:
    """Logs each run under its id, grouped by sweep; a run that is there already gets what it lacks.

    Args:
        runs: Runs of a dataset.
        project: W&B project. Account and server are those of the environment (`WANDB_ENTITY`, `WANDB_BASE_URL`).

    Returns:
        Where the runs are.

    Raises:
        ReportError: wandb is not installed, or refuses (not logged in, no network).
    """
    try:
        import wandb  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise ReportError('W&B needs wandb: python -m pip install "llcray[wandb]"') from error
    settings = wandb.Settings(
        console="off",
        silent=True,
        # What these would record is of this machine, not of the run.
        disable_git=True,
        save_code=False,
        x_disable_meta=True,
        x_disable_stats=True,
    )
    place = ""
    for run in runs:
        try:
            tracked = wandb.init(
                project=project,
                id=run.id,
                name=run.name,
                group=run.sweep,
                job_type=str(run.config.get("sampler_kind", "")),
                resume="allow",
                settings=settings,
            )
            place = _log(tracked, run)
        except wandb.errors.Error as error:
            line = str(error).partition("\n")[0].partition(". ")[0].rstrip(".")
            raise ReportError(f"W&B: {line}. `wandb login` logs in; WANDB_MODE=offline writes to a folder.") from error
    return f"{len(runs)} runs in {place}"


def _log(tracked: Any, run: ExportedRun) -> str:
    tracked.config.update(dict(run.config), allow_val_change=True)
    for point in run.points:
        # W&B keeps no second value of a step, and what is below the first free step is there already.
        if point.step >= tracked.step:
            tracked.log(dict(point.numbers), step=point.step)
    tracked.summary.update({**run.last.numbers, **run.last.texts})
    is_offline, folder = tracked.offline, Path(tracked.dir).parent
    place = folder.parent if is_offline else tracked.project_url
    tracked.finish(exit_code=int(run.last.failed))
    if is_offline:
        _remove_earlier(folder, run.id)
    return f"{place}: wandb sync {place}/offline-run-*" if is_offline else str(place)


def _remove_earlier(folder: Path, run_id: str) -> None:
    """Removes the folders of earlier offline exports of a run, each of which holds what this one does, or less."""
    for earlier in folder.parent.glob(f"offline-run-*-{run_id}"):
        if earlier != folder:
            shutil.rmtree(earlier, ignore_errors=True)
