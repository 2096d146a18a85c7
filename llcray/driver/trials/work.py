"""Does one trial in a thread of its worker, so that the trial can report and be cancelled meanwhile. No Ray.

An exception fails the run that raised it and no other. After an exception of a program that several runs share, these
runs are tried again one by one. Errors of the storage end the trial, since no row could tell of them.
"""

import math
import queue
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llcray_storage import Dataset, StorageError
from llcray_storage.schema.status import DONE, FAILED

from llcray.driver.errors import one_line
from llcray.driver.plan.cost import num_gradients
from llcray.driver.progress.reports import RunReport, TrialReport
from llcray.driver.trials.process import check_platform
from llcray.spec import RunSpec, TrialPlan, runs_before

if TYPE_CHECKING:
    from llcray.estimation.trial import TrialEvent

FRAMES_IN_REASON = 3
JOIN_SECONDS = 2.0
NARROWED = 16
"""Bound on the runs done side by side after a worker has died, before it is halved for each worker that died."""


@dataclass(frozen=True)
class Assignment:
    """The trials of a sweep, as all its workers know them.

    Attributes:
        sweep: Name of the sweep.
        root: Root of the dataset, absolute where it is a path.
        plans: All trials, by index.
        generations: Generation to write of each run that is deliberately redone, by run id.
        done_before: Runs that are done, and that others of the sweep go on from.
    """

    sweep: str
    root: str
    plans: tuple[TrialPlan, ...]
    generations: Mapping[str, int]
    done_before: tuple[RunSpec, ...] = ()

    def before(self, plan: TrialPlan) -> dict[str, RunSpec]:
        """The runs that those of a plan go on from, directly or not, by run id."""
        if not any(run.follows for run in plan.runs):
            return {}
        return runs_before(plan.runs, (*self.done_before, *(run for other in self.plans for run in other.runs)))


class TrialCancelledError(Exception):
    """Raised inside a trial that nobody waits for any more."""


class TrialThread:
    """A trial that runs in a thread of its own."""

    def __init__(self, assignment: Assignment, plan: TrialPlan, dataset: Dataset, attempt: int) -> None:
        """Starts the thread.

        Args:
            assignment: All trials of the sweep.
            plan: The trial to do.
            dataset: Dataset for the rows of the trial's runs.
            attempt: Number of workers that died at the trial; above 0, runs that are committed already are skipped.
        """
        self._assignment = assignment
        self._plan = plan
        self._dataset = dataset
        self._attempt = attempt
        self._finished: queue.SimpleQueue[RunReport | BaseException | None] = queue.SimpleQueue()
        self._now = TrialReport()
        self._spent: dict[str, float] = {}
        self._block_means: dict[tuple[str, str], list[float]] = {}
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trial", daemon=True)
        self._thread.start()

    def next_report(self, timeout: float) -> tuple[TrialReport, bool]:
        """Waits for a run to finish; returns what happened since the last call, and whether the trial is over.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            Exception: The exception that ended the trial early.
        """
        finished: list[RunReport] = []
        over = False
        try:
            item = self._finished.get(timeout=timeout)
            while True:
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    over = True
                    break
                finished.append(item)
                item = self._finished.get_nowait()
        except queue.Empty:
            pass
        return replace(self._now, finished=tuple(finished)), over

    def cancel(self) -> None:
        """Ends the trial at its next event, and waits `JOIN_SECONDS` at most for that."""
        self._cancelled.set()
        self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        try:
            check_platform()
            self._do(TrialPlan(self._to_do()) if self._attempt else self._plan)
        except TrialCancelledError:
            pass
        except BaseException as error:
            self._finished.put(error)
            return
        self._finished.put(None)

    def _to_do(self) -> tuple[RunSpec, ...]:
        """Returns the runs not committed yet; reports the others again, since their report may have been lost."""
        committed = committed_runs(self._dataset, self._assignment, self._plan)
        for report in committed.values():
            self._finished.put(report)
        return tuple(run for run in self._plan.runs if run.run_id not in committed)

    def _do(self, plan: TrialPlan) -> None:
        """Does the runs of a plan together; after an exception that is no single run's, the others one by one."""
        from llcray.estimation.trial import run_trial

        if not plan.runs:
            return
        left = {run.run_id: run for run in plan.runs}
        try:
            generations = self._assignment.generations

            def fail(run: RunSpec, error: Exception) -> None:
                del left[run.run_id]
                self._fail((run,), reason_of(error))

            before = self._assignment.before(plan)
            for outcome in run_trial(
                plan, self._assignment.sweep, self._dataset, self._observe, generations, fail, self._max_width(), before
            ):
                del left[outcome.run_id]
                self._now = TrialReport(phase="compiling", run_id=next(iter(left), ""))
                self._finished.put(_report(outcome.row))
        except (TrialCancelledError, StorageError):
            raise
        except Exception as error:
            traceback.print_exception(error)  # into the worker's log, in full
            runs = tuple(left.values())
            if len(runs) > 1:
                for run in runs:
                    self._do(TrialPlan((run,)))
            else:
                self._fail(runs, reason_of(error))

    def _max_width(self) -> int | None:
        """Returns how many runs are done side by side at most; None for no bound.

        After a second lost worker the bound falls, since the kernel may have ended the workers for want of memory.
        """
        return max(1, NARROWED // 2**self._attempt) if self._attempt > 1 else None

    def _fail(self, runs: tuple[RunSpec, ...], reason: str) -> None:
        for run in runs:
            commit_failure(self._dataset, self._assignment, run, self._plan, reason)
            self._finished.put(RunReport(run.run_id, FAILED, reason=reason))

    def _observe(self, event: "TrialEvent") -> None:
        from llcray.llc.summary import running_error, running_mean

        if self._cancelled.is_set():
            raise TrialCancelledError
        spent = self._spent[event.run_id] = self._spent.get(event.run_id, 0.0) + event.num_gradients
        budgets = {run.run_id: run for run in self._plan.runs if run.run_id == event.run_id}
        budget = num_gradients(budgets[event.run_id]) if budgets else math.inf
        means = self._block_means.setdefault((event.run_id, event.phase), [])
        if math.isfinite(event.llc):
            means.append(event.llc)
        llc, llc_mcse = running_mean(means)
        self._now = TrialReport(
            (), event.phase, event.run_id, llc, llc_mcse, min(1.0, spent / budget), spent, running_error(means)
        )


def committed_runs(dataset: Dataset, assignment: Assignment, plan: TrialPlan) -> dict[str, RunReport]:
    """Returns reports of a plan's runs that the dataset has at the wanted generation, by run id.

    Raises:
        StorageError: The dataset cannot be read.
    """
    statuses, generations = dataset.finished(assignment.sweep), dataset.generations(assignment.sweep)
    return {
        run.run_id: RunReport(run.run_id, DONE if statuses[run.run_id] == DONE else FAILED)
        for run in plan.runs
        if generations.get(run.run_id, 0) >= assignment.generations.get(run.run_id, 1)
    }


def settle(dataset: Dataset, assignment: Assignment, plan: TrialPlan, reason: str) -> list[RunReport]:
    """Gives failed rows to the runs of a plan that have no row; returns reports of all its runs.

    Raises:
        StorageError: The dataset cannot be used.
    """
    committed = committed_runs(dataset, assignment, plan)
    failed = [run for run in plan.runs if run.run_id not in committed]
    for run in failed:
        commit_failure(dataset, assignment, run, plan, reason)
    return [*committed.values(), *(RunReport(run.run_id, FAILED, reason=reason) for run in failed)]


def commit_failure(dataset: Dataset, assignment: Assignment, run: RunSpec, plan: TrialPlan, reason: str) -> None:
    """Writes the row of a run that has no estimate.

    Raises:
        StorageError: The row cannot be written.
    """
    from llcray.estimation.trial import failed_row

    row = failed_row(run, plan, assignment.sweep, reason)
    if run.run_id in assignment.generations:
        row["generation"] = assignment.generations[run.run_id]
    dataset.write_run(row)


def reason_of(error: BaseException) -> str:
    """Returns in one line the kind and message of an exception, and its innermost frames, newest first."""
    message = one_line(error)
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_IN_REASON:]
    lines = ", ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__}: {message}" + (f" [{lines}]" if lines else "")


def _report(row: Mapping[str, Any]) -> RunReport:
    def number(name: str) -> float:
        value = row.get(name)
        return math.nan if value is None else float(value)

    return RunReport(
        run_id=row["run_id"],
        status=DONE,
        llc=number("llc"),
        llc_mcse=number("llc_mcse"),
        llc_sampling_se=number("llc_sampling_se"),
        localization_se=number("localization_se"),
        localization=number("localization"),
        n_beta=number("n_beta"),
        verdict=str(row.get("verdict") or ""),
        seconds=number("sampling_seconds") + number("compile_seconds"),
        compile_seconds=number("compile_seconds"),
        num_gradients=number("num_gradients"),
    )
