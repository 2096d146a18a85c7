"""Trials through Ray Tune. Tune starts, places, reuses and restarts; what is done is known from the workers' commits.

A trial whose worker died starts again, without its committed runs, until its retries are spent; then its runs get
failed rows. When Tune itself gives up, what is unfinished is handed to it again.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from llcray_storage import Dataset, StorageError
from ray import tune
from ray.exceptions import RayTaskError

from llcray.driver.cluster.capacity import amounts
from llcray.driver.cluster.driver_state import Wish
from llcray.driver.cluster.ray_internals import actor_of, last_error_of
from llcray.driver.cluster.state_publisher import Herald
from llcray.driver.errors import DriverError
from llcray.driver.progress.reports import TrialReport
from llcray.driver.progress.tracker import Tracker
from llcray.driver.progress.view import View
from llcray.driver.trials.halving import HalvingScheduler, scheduler_of
from llcray.driver.trials.trainable import SweepTrial
from llcray.driver.trials.trial_queue import TrialQueue
from llcray.driver.trials.work import Assignment, reason_of, settle
from llcray.spec import Conduct, Resources

MAX_FRUITLESS_ROUNDS = 3
PENDING_PER_SLOT = 2


class SweepStoppedError(Exception):
    """Leaves Tune's loop when the sweep is to end early."""


@dataclass(frozen=True)
class Conditions:
    """How trials are to be run.

    Attributes:
        assignment: The trials.
        resources: Of one trial.
        dataset: Where rows of trials that lost too many workers go.
        scratch: Folder for what Tune insists on writing.
        max_concurrent: Most trials at a time.
        max_retries: Times a trial starts again after its worker died.
        conduct: Which trials to give up early.
        wish: Asked several times a second whether to end early: `drain` lets the trials under way end.
    """

    assignment: Assignment
    resources: Resources
    dataset: Dataset
    scratch: Path
    max_concurrent: int
    max_retries: int
    conduct: Conduct
    wish: Callable[[], Wish]


def run_trials(conditions: Conditions, tracker: Tracker, view: View, herald: Herald) -> None:
    """Runs all trials, or until `conditions.wish` says so.

    Args:
        conditions: What to run, and how.
        tracker: Kept up to date.
        view: Shown what happens.
        herald: Told of where trials run.

    Raises:
        StorageError: Neither results nor failures can be written any more.
    """
    watch = _Watch(conditions, tracker, view, herald)
    fruitless = 0
    while tracker.unfinished and not conditions.wish():
        before = len(tracker.finished)
        try:
            _tune(conditions, tracker, watch)
            reason = "it ended too early"
        except SweepStoppedError:
            if watch.fatal is not None:
                raise watch.fatal from None
            return
        except Exception as error:
            reason = reason_of(error)
            if fruitless + 1 >= MAX_FRUITLESS_ROUNDS and len(tracker.finished) == before:
                raise
        fruitless = 0 if len(tracker.finished) > before else fruitless + 1
        if fruitless >= MAX_FRUITLESS_ROUNDS:
            raise DriverError(f"The scheduler ended {fruitless} times without doing a run: {reason}.")
        if tracker.unfinished and not conditions.wish():
            view.notice(f"The scheduler failed ({reason}); starting what is left again.")
        tracker.running.clear()


def _tune(conditions: Conditions, tracker: Tracker, watch: "_Watch") -> None:
    """One experiment of Tune's over the trials that have unfinished runs."""
    left = {run.run_id for run in tracker.unfinished}
    plans = enumerate(conditions.assignment.plans)
    indices = [index for index, plan in plans if any(run.run_id in left for run in plan.runs)]
    is_first = not (tracker.finished or tracker.losses)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(PENDING_PER_SLOT * conditions.max_concurrent)
    watch.queue = queue = TrialQueue(indices, attempt=0 if is_first else 1)
    scheduler = scheduler_of(conditions.conduct, conditions.assignment)
    watch.halted = scheduler.halted if isinstance(scheduler, HalvingScheduler) else {}
    trainable = tune.with_parameters(SweepTrial, assignment=conditions.assignment, resources=conditions.resources)
    tune.Tuner(
        tune.with_resources(trainable, _bundle(conditions.resources)),
        tune_config=tune.TuneConfig(
            search_alg=queue,
            num_samples=len(indices),
            max_concurrent_trials=conditions.max_concurrent,
            reuse_actors=True,
            scheduler=scheduler,
            trial_name_creator=_name,
            trial_dirname_creator=_name,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(conditions.scratch / "tune"),
            failure_config=tune.FailureConfig(max_failures=conditions.max_retries),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            callbacks=[watch],
            verbose=0,
            log_to_file=False,
        ),
    ).fit()


def _bundle(resources: Resources) -> tune.PlacementGroupFactory:
    return tune.PlacementGroupFactory([{name: amount for name, amount in amounts(resources).items() if amount}])


def _name(trial: Any) -> str:
    return f"trial_{trial.trial_id}"


class _Watch(tune.Callback):
    """Tune's events, told to tracker and view."""

    def __init__(self, conditions: Conditions, tracker: Tracker, view: View, herald: Herald) -> None:
        self._conditions = conditions
        self._tracker = tracker
        self._view = view
        self._herald = herald
        self.queue: TrialQueue | None = None
        self.halted: Mapping[int, str] = {}
        self.fatal: StorageError | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune stores its callbacks for a later restore, which the dataset makes needless."""
        return {}

    def on_trial_start(self, iteration: int, trials: Sequence[Any], trial: Any, **info: Any) -> None:
        """A worker has taken a trial."""
        self._tracker.trial_started(trial.config["index"])

    def on_trial_result(
        self, iteration: int, trials: Sequence[Any], trial: Any, result: Mapping[str, Any], **info: Any
    ) -> None:
        """A worker reports."""
        place = result["place"]
        self._herald.trial_is_at(trial.config["index"], place)
        for run in self._tracker.reported(trial.config["index"], result["report"], place.node):
            self._view.run_finished(self._tracker, run)

    def on_trial_complete(self, iteration: int, trials: Sequence[Any], trial: Any, **info: Any) -> None:
        """A trial is over; where it was given up, its runs get failed rows that say so."""
        index = trial.config["index"]
        if index in self.halted:
            self._settle(index, self.halted[index])
        self._tracker.trial_ended(index)

    def on_trial_recover(self, iteration: int, trials: Sequence[Any], trial: Any, **info: Any) -> None:
        """A worker died; its trial starts again."""
        index = trial.config["index"]
        times = self._tracker.trial_lost(index, why_lost(last_error_of(trial)))
        trial.set_config(trial.config | {"attempt": times})
        label = self._tracker.labels[self._conditions.assignment.plans[index].runs[0].run_id]
        self._view.notice(f"lost    a worker at {label}: {self._tracker.losses[index][-1]}; trying again")

    def on_trial_error(self, iteration: int, trials: Sequence[Any], trial: Any, **info: Any) -> None:
        """A trial has lost too many workers: its runs that are not committed fail."""
        index = trial.config["index"]
        times = self._tracker.trial_lost(index, why_lost(last_error_of(trial)))
        reasons = "; ".join(dict.fromkeys(self._tracker.losses[index]))
        self._settle(index, f"{times} workers died: {reasons}")
        self._tracker.trial_ended(index)

    def _settle(self, index: int, reason: str) -> None:
        assignment = self._conditions.assignment
        try:
            settled = settle(self._conditions.dataset, assignment, assignment.plans[index], reason)
        except StorageError as error:
            self.fatal = error
            return
        for run in self._tracker.reported(index, TrialReport(finished=tuple(settled)), ""):
            self._view.run_finished(self._tracker, run)

    def on_step_end(self, iteration: int, trials: Sequence[Any], **info: Any) -> None:
        """Several times a second: redraw, and see whether to stop."""
        self._view.tick(self._tracker)
        self._herald.tick()
        wish = self._conditions.wish()
        if wish == "drain" and self.queue is not None:
            self.queue.is_closed = True
        if self.fatal is not None or wish == "stop":
            for trial in trials:
                actor = actor_of(trial)
                if actor is not None:
                    ray.kill(actor)
            raise SweepStoppedError


def why_lost(error: BaseException | None) -> str:
    """One line: what became of a worker."""
    if isinstance(error, RayTaskError) and isinstance(error.cause, BaseException):
        return reason_of(error.cause)
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
