"""Runs trials through Ray Tune, which starts workers, places and reuses them, and restarts trials.

A trial whose worker died starts again, without the runs that it has committed, until its retries are spent; then its
other runs get failed rows. When Tune itself gives up, the unfinished trials are handed to it again.
"""

import errno
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from llcray_storage import Dataset, StorageError
from llcray_storage.errors import UserError
from ray import tune
from ray.exceptions import RayTaskError
from ray.tune.progress_reporter import TrialProgressCallback

from llcray.driver.cluster.capacity import amounts
from llcray.driver.cluster.driver_state import StopRequest
from llcray.driver.cluster.ray_internals import actor_id_of, actor_of, last_error_of
from llcray.driver.cluster.state_publisher import StatePublisher
from llcray.driver.errors import DriverError, PlatformError, one_line
from llcray.driver.progress.reports import TrialReport
from llcray.driver.progress.tracker import Tracker
from llcray.driver.progress.view import View
from llcray.driver.trials.compaction import Compactor
from llcray.driver.trials.halving import HalvingScheduler, scheduler_of
from llcray.driver.trials.sharing import Sharing
from llcray.driver.trials.trainable import SweepTrial
from llcray.driver.trials.trial_queue import TrialQueue
from llcray.driver.trials.work import Assignment, reason_of, settle
from llcray.spec import Conduct, Resources

COLORS = re.compile(r"\x1b\[[0-9;]*m")
CREATION = "raised in its creation task"
MAX_FRUITLESS_ROUNDS = 3
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
PENDING_PER_SLOT = 2


class SweepStoppedError(Exception):
    """Raised to leave Tune's loop when the sweep is to end early."""


@dataclass(frozen=True)
class Conditions:
    """Which trials to run, and how.

    Attributes:
        assignment: The trials.
        resources: Resources of one trial.
        dataset: Dataset for the failed rows of trials that lost too many workers.
        scratch: Folder for the files that Tune insists on writing.
        max_concurrent: Most trials at a time.
        max_retries: Times a trial starts again after its worker died.
        conduct: Which trials to give up early.
        stop_request: Function that is asked several times a second whether to end early.
        sharing: This driver's part of the sweep.
    """

    assignment: Assignment
    resources: Resources
    dataset: Dataset
    scratch: Path
    max_concurrent: int
    max_retries: int
    conduct: Conduct
    stop_request: Callable[[], StopRequest]
    sharing: Sharing


def run_trials(conditions: Conditions, tracker: Tracker, view: View, publisher: StatePublisher) -> None:
    """Runs trials until all are done or `conditions.stop_request` asks to end early.

    Args:
        conditions: Which trials to run, and how.
        tracker: Is kept up to date.
        view: Shows what happens.
        publisher: Is told where trials run.

    Raises:
        StorageError: Neither results nor failures can be written any more.
        DriverError: Tune ended several times without doing a run, has no room for its files, or a machine lacks the
            devices that are asked for.
    """
    events = _TuneEvents(conditions, tracker, view, publisher)
    fruitless = 0
    while tracker.unfinished and not conditions.stop_request():
        before = len(tracker.finished)
        conditions.sharing.has_met_others = events.has_untried = False
        try:
            _run_tune(conditions, tracker, events)
            reason = ""
        except SweepStoppedError:
            if events.fatal is not None:
                raise events.fatal from None
            return
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise DriverError(
                    f"No room is left in '{conditions.scratch.parent}' for Ray's temporary files: free some, or set "
                    "TMPDIR to a folder with room and a short path."
                ) from error
            reason = reason_of(error)
        tracker.running.clear()
        if not reason and conditions.sharing.has_met_others:
            conditions.sharing.wait_for_others(lambda: bool(events.tick()))
            continue
        if not reason and events.has_untried:
            continue
        reason = reason or "it ended too early"
        fruitless = 0 if len(tracker.finished) > before else fruitless + 1
        if fruitless >= MAX_FRUITLESS_ROUNDS:
            raise DriverError(f"The scheduler ended {fruitless} times without doing a run: {reason}.")
        if tracker.unfinished and not conditions.stop_request():
            view.notice(f"The scheduler failed ({reason}); starting what is left again.")
    if not tracker.unfinished:
        events.compactor.close()


def _run_tune(conditions: Conditions, tracker: Tracker, events: "_TuneEvents") -> None:
    """Runs one experiment of Tune's over the trials that have unfinished runs."""
    left = {run.run_id for run in tracker.unfinished}
    plans = enumerate(conditions.assignment.plans)
    indices = [index for index, plan in plans if any(run.run_id in left for run in plan.runs)]
    is_first = not (tracker.finished or tracker.losses)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(PENDING_PER_SLOT * conditions.max_concurrent)
    events.queue = queue = TrialQueue(indices, attempt=0 if is_first else 1, sharing=conditions.sharing)
    scheduler = scheduler_of(conditions.conduct, conditions.assignment)
    events.halted = scheduler.halted if isinstance(scheduler, HalvingScheduler) else {}
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
            callbacks=[events],
            verbose=0,
            log_to_file=False,
        ),
    ).fit()


def _bundle(resources: Resources) -> tune.PlacementGroupFactory:
    return tune.PlacementGroupFactory([{name: amount for name, amount in amounts(resources).items() if amount}])


def _name(trial: Any) -> str:
    return f"trial_{trial.trial_id}"


class _TuneEvents(TrialProgressCallback):
    """Tells Tune's events to the tracker, the view and the publisher.

    Takes the place of the callback that Tune adds where none of its kind is given, and which keeps all trials that are
    over to print their results once.

    Attributes:
        compactor: Compacts the dataset meanwhile.
        queue: Trials that are still to start.
        halted: Reason for each trial that was given up by halving, by index.
        has_untried: Whether Tune gave up a trial that has retries left, since this was last set to False.
        fatal: Why no run can be done or no row be written any more; None while they can.
    """

    def __init__(self, conditions: Conditions, tracker: Tracker, view: View, publisher: StatePublisher) -> None:
        self._conditions = conditions
        self._tracker = tracker
        self._view = view
        self._publisher = publisher
        self.compactor = Compactor(conditions.assignment.root, tracker)
        self.queue: TrialQueue | None = None
        self.halted: Mapping[int, str] = {}
        self.has_untried = False
        self._dead_actors: dict[int, str | None] = {}
        self.fatal: UserError | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune stores its callbacks for a later restore, which the dataset makes needless.

    def on_trial_start(self, iteration: int, trials: Sequence[Any], trial: Any, **info: Any) -> None:
        self._tracker.trial_started(trial.config["index"])

    def on_trial_result(
        self, iteration: int, trials: Sequence[Any], trial: Any, result: Mapping[str, Any], **info: Any
    ) -> None:
        location = result["location"]
        self._publisher.trial_is_at(trial.config["index"], location)
        for run in self._tracker.reported(trial.config["index"], result["report"], location.node):
            self._view.run_finished(self._tracker, run)

    def on_trial_complete(self, iteration: int, trials: Sequence[Any], trial: Any, **info: Any) -> None:
        """Notes that a trial is over; gives failed rows to the runs of a trial that was given up."""
        index = trial.config["index"]
        if index in self.halted:
            self._settle(index, self.halted[index])
        self._ended(index)

    def on_trial_recover(self, iteration: int, trials: Sequence[Any], trial: Any, **info: Any) -> None:
        """Notes that a worker died, whose trial starts again."""
        if self._is_platform_missing(trial):
            return
        index, error = trial.config["index"], last_error_of(trial)
        times = self._tracker.trial_lost(index, why_lost(error))
        self._dead_actors[index] = actor_id_of(error)
        trial.set_config(trial.config | {"attempt": times})
        label = self._tracker.labels[self._conditions.assignment.plans[index].runs[0].run_id]
        self._view.notice(f"lost    a worker at {label}: {self._tracker.losses[index][-1]}; trying again")

    def on_trial_error(self, iteration: int, trials: Sequence[Any], trial: Any, **info: Any) -> None:
        """Gives failed rows to the runs of a trial that has lost too many workers.

        Tune tells the death of a worker that was being reset for a trial twice, and gives the trial up at the second
        time, whatever retries it has.
        """
        if self._is_platform_missing(trial):
            return
        index, error = trial.config["index"], last_error_of(trial)
        is_known = actor_id_of(error) is not None and actor_id_of(error) == self._dead_actors.get(index)
        if is_known and len(self._tracker.losses[index]) <= self._conditions.max_retries:
            self.has_untried = True
            self._ended(index)
            return
        times = self._tracker.trial_lost(index, why_lost(error))
        reasons = "; ".join(dict.fromkeys(self._tracker.losses[index]))
        self._settle(index, f"{times} workers died: {reasons}")
        self._ended(index)

    def _is_platform_missing(self, trial: Any) -> bool:
        """Whether a worker found that its machine can do no run, which is no fault of any run; notes the reason."""
        error = last_error_of(trial)
        cause = error.cause if isinstance(error, RayTaskError) else error
        if isinstance(cause, PlatformError):
            self.fatal = cause
        return isinstance(cause, PlatformError)

    def _settle(self, index: int, reason: str) -> None:
        assignment = self._conditions.assignment
        try:
            settled = settle(self._conditions.dataset, assignment, self._conditions.sharing.share_of(index), reason)
        except StorageError as error:
            self.fatal = error
            return
        for run in self._tracker.reported(index, TrialReport(finished=tuple(settled)), ""):
            self._view.run_finished(self._tracker, run)

    def _ended(self, index: int) -> None:
        self._tracker.trial_ended(index)
        self._conditions.sharing.release(index)

    def tick(self) -> StopRequest:
        """Redraws, publishes, looks for other drivers and has files merged; returns whether to end early."""
        self._view.tick(self._tracker)
        self._publisher.tick()
        self._conditions.sharing.tick()
        self.compactor.tick()
        return self._conditions.stop_request()

    def on_step_end(self, iteration: int, trials: Sequence[Any], **info: Any) -> None:
        """Redraws and publishes, and ends the experiment when asked to; Tune calls it several times a second."""
        request = self.tick()
        if request == "drain" and self.queue is not None:
            self.queue.is_closed = True
        if self.fatal is not None or request == "stop":
            for trial in trials:
                actor = actor_of(trial)
                if actor is not None:
                    ray.kill(actor)
            raise SweepStoppedError


def why_lost(error: BaseException | None) -> str:
    """Returns in one line why a worker died."""
    if isinstance(error, RayTaskError) and isinstance(error.cause, BaseException):
        return reason_of(error.cause)
    text = COLORS.sub("", str(error)).strip()
    first, *rest = text.splitlines() or [""]
    if rest and CREATION in first:
        # Ray gives the traceback of the worker, whose last line says what went wrong.
        return f"it could not start: {one_line(rest[-1])}"
    return f"{type(error).__name__}: {one_line(text)}"
