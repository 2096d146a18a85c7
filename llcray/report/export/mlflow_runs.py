"""Runs for MLflow, by its client: the store that `MLFLOW_TRACKING_URI` names, or MLflow's default."""

from collections.abc import Sequence
from typing import Any

from llcray.report.errors import ReportError
from llcray.report.export.runs import ExportedRun

ID = "llcray.id"
"""Tag by which a run is found again: MLflow gives its runs ids of its own."""
MOST_METRICS, MOST_PARAMS = 1000, 100
"""What one request may hold."""
LONGEST_PARAM = 6000
"""Characters of a parameter's value that MLflow keeps."""


def log_to_mlflow(runs: Sequence[ExportedRun], experiment: str) -> str:
    """Logs each run into an experiment; a run that is there already gets what it lacks.

    Args:
        runs: Runs of a dataset.
        experiment: Name of the experiment, made if there is none.

    Returns:
        Where the runs are.

    Raises:
        ReportError: mlflow is not installed, or its store refuses.
    """
    try:
        from mlflow import MlflowClient, MlflowException  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise ReportError('MLflow needs mlflow: python -m pip install "llcray[mlflow]"') from error
    try:
        client = MlflowClient()
        known = client.get_experiment_by_name(experiment)
        place = client.create_experiment(experiment) if known is None else known.experiment_id
        for run in runs:
            _log(client, place, run)
    except MlflowException as error:
        line = str(error).partition("\n")[0].partition(". ")[0].rstrip(".")
        raise ReportError(f"MLflow: {line}. MLFLOW_TRACKING_URI names another store.") from error
    return f"{len(runs)} runs in experiment '{experiment}' of {client.tracking_uri}"


def _log(client: Any, experiment_id: str, run: ExportedRun) -> None:
    from mlflow.entities import Metric, Param  # pyright: ignore[reportMissingImports]

    found = client.search_runs([experiment_id], f"tags.`{ID}` = '{run.id}'", max_results=1)
    start = run.points[0].milliseconds
    tracked = found[0] if found else client.create_run(experiment_id, start, {ID: run.id}, run_name=run.name)
    tracked_id = tracked.info.run_id
    lacking = [
        Param(key, str(value)[:LONGEST_PARAM]) for key, value in run.config.items() if key not in tracked.data.params
    ]
    metrics = [
        Metric(name, value, point.milliseconds, point.step)
        for name in dict.fromkeys(name for point in run.points for name in point.numbers)
        for point in run.points
        if (value := point.numbers.get(name)) is not None
    ]
    for first in range(0, len(lacking), MOST_PARAMS):
        client.log_batch(tracked_id, params=lacking[first : first + MOST_PARAMS])
    # Of a value that is there already, with its step and time, no second one is kept.
    for first in range(0, len(metrics), MOST_METRICS):
        client.log_batch(tracked_id, metrics=metrics[first : first + MOST_METRICS])
    for key, text in {"sweep": run.sweep, **run.last.texts}.items():
        client.set_tag(tracked_id, key, text)
    client.set_terminated(tracked_id, "FAILED" if run.last.failed else "FINISHED", run.last.milliseconds)
