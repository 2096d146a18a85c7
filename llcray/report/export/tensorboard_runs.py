"""Runs for TensorBoard, as event files."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from llcray.report.errors import ReportError
from llcray.report.export.event_files import folder_of, write_estimate
from llcray.report.export.runs import ExportedRun


def write_event_files(runs: Sequence[ExportedRun], folder: Path) -> str:
    """Writes one event file a run, which replaces that of an earlier export.

    Returns:
        Where the runs are, and how to look at them.

    Raises:
        ReportError: tensorboardX is not installed, or the folder cannot be written.
    """
    try:
        from tensorboardX import SummaryWriter
    except ModuleNotFoundError as error:
        raise ReportError('TensorBoard needs tensorboardX: python -m pip install "llcray[tensorboard]"') from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for run in runs:
            place = folder_of(folder, run.sweep, run.name, run.id)
            place.mkdir(parents=True, exist_ok=True)
            # The writer names its file by the time; a file of a fixed name is replaced by the next export.
            with tempfile.TemporaryDirectory(dir=folder, prefix=".draft-") as draft:
                with SummaryWriter(draft) as writer:
                    for point in run.points:
                        verdict = ": ".join(filter(None, (point.texts["verdict"], point.texts["verdict_reason"])))
                        write_estimate(writer, point.numbers, verdict, point.step, point.milliseconds / 1000)
                [written] = Path(draft).iterdir()
                written.replace(place / f"events.out.tfevents.{run.id}.llcray")
    except OSError as error:
        raise ReportError(f"'{folder}' cannot be written: {error.strerror}. Choose another folder with -o.") from error
    return f"{len(runs)} runs in {folder}: tensorboard --logdir {folder}"
