"""Divides the runs of a sweep with the other drivers of the same sweep that are at work on the same dataset.

A driver takes the runs of a trial right before the trial starts, and passes over those that another living driver has
taken or committed. When nothing is left to start, it waits for the others' runs, and takes over those of one that dies.
"""

import time
from collections.abc import Callable, Iterable
from typing import Literal

from llcray_storage import Dataset, StorageError
from llcray_storage.schema.status import DONE, FAILED
from llcray_storage.write.claims import Claims

from llcray.driver.progress.reports import RunReport
from llcray.driver.progress.tracker import Tracker
from llcray.driver.trials.work import Assignment
from llcray.report.numbers import plural
from llcray.spec import RunSpec, TrialPlan

SECONDS_BETWEEN_LOOKS = 15.0
SECONDS_BETWEEN_LOOKS_WHEN_IDLE = 3.0
SECONDS_BETWEEN_FRAMES = 0.25


class Sharing:
    """One driver's part of a sweep.

    Attributes:
        has_met_others: Whether another driver had runs of a trial that was to start, since this was last set to False.
    """

    def __init__(
        self, claims: Claims, dataset: Dataset, assignment: Assignment, tracker: Tracker, notify: Callable[[str], None]
    ) -> None:
        """Starts with no runs taken.

        Args:
            claims: The claims of this driver.
            dataset: Dataset of the sweep.
            assignment: All trials of this driver's plan.
            tracker: Is told of runs that other drivers have done.
            notify: Shows a line to the user.
        """
        self._claims, self._dataset, self._assignment, self._tracker = claims, dataset, assignment, tracker
        self._notify = notify
        self._shares: dict[int, TrialPlan] = {}
        self._met: set[str] = set()
        self._last_look = time.monotonic()
        self.has_met_others = False

    def take(self, index: int) -> TrialPlan | None:
        """Takes the runs of a trial that nobody else has; returns None where there are none."""
        return self._share(index, self._left_of(index))

    def take_if_untouched(self, index: int) -> TrialPlan | Literal["later"] | None:
        """Does the same, but leaves the trial for later where its first run is another driver's: so may be the rest."""
        left = self._left_of(index)
        if not left:
            return None
        first = self._share(index, left[:1])
        if first is None and left[0].run_id not in self._tracker.finished:
            return "later"
        return self._share(index, left[1:], first.runs if first else ())

    def share_of(self, index: int) -> TrialPlan:
        """Returns the runs of a trial under way that are this driver's."""
        return self._shares.get(index) or self._assignment.plans[index]

    def release(self, index: int) -> None:
        """Gives up the runs of a trial that is over."""
        share = self._shares.pop(index, None)
        if share is not None:
            self._claims.release([run.run_id for run in share.runs])

    def tick(self) -> None:
        """Looks now and then for other drivers, and for the runs that they have committed."""
        if time.monotonic() - self._last_look < SECONDS_BETWEEN_LOOKS:
            return
        self._last_look = time.monotonic()
        try:
            others = set(self._claims.others())
            if others - self._met:
                number = plural(len(others), "other driver")
                self._notify(f"{number} of this sweep at work on the same dataset: the runs are shared out.")
            self._met |= others
            if self._met:
                self._learn()
        except StorageError:
            return  # To know less costs work done twice; the trials will tell if the storage is gone.

    def wait_for_others(self, is_over: Callable[[], bool]) -> None:
        """Waits while living drivers have all runs that are left.

        Args:
            is_over: Called several times a second; shows that the driver is alive, and returns whether to end early.

        Raises:
            StorageError: Storage cannot be read.
        """
        is_told = False
        while self._tracker.unfinished and not is_over():
            self._learn()
            if self._is_any_free(self._tracker.unfinished):
                self._learn()  # Its driver may have committed it in between.
                if self._is_any_free(self._tracker.unfinished):
                    return
                continue
            if not is_told:
                number = plural(len(self._tracker.unfinished), "run")
                self._notify(f"Nothing is left to start: waiting for {number} of other drivers.")
                is_told = True
            until = time.monotonic() + SECONDS_BETWEEN_LOOKS_WHEN_IDLE
            while time.monotonic() < until and not is_over():
                time.sleep(SECONDS_BETWEEN_FRAMES)

    def _left_of(self, index: int) -> tuple[RunSpec, ...]:
        return tuple(run for run in self._assignment.plans[index].runs if run.run_id not in self._tracker.finished)

    def _share(self, index: int, runs: tuple[RunSpec, ...], before: tuple[RunSpec, ...] = ()) -> TrialPlan | None:
        """Takes what it can of some runs of a trial, beside those taken before."""
        mine = before + self._taken(runs) if runs else before
        if not mine:
            return None
        self._shares[index] = TrialPlan(mine)
        return self._shares[index]

    def _taken(self, runs: tuple[RunSpec, ...]) -> tuple[RunSpec, ...]:
        try:
            taken = self._claims.take({run.run_id: self._generation(run) for run in runs})
            self._report(taken.committed)
        except StorageError:
            return runs  # Claims only save work: whoever else does these runs, each is in the dataset once.
        self.has_met_others |= bool(taken.held)
        return tuple(run for run in runs if run.run_id in taken.mine)

    def _is_any_free(self, runs: Iterable[RunSpec]) -> bool:
        return any(not self._claims.is_held(run.run_id, self._generation(run)) for run in runs)

    def _learn(self) -> None:
        """Reports the runs that other drivers have committed."""
        own = {run.run_id for share in self._shares.values() for run in share.runs}
        written = self._dataset.generations(self._assignment.sweep)
        left = (run for run in self._tracker.unfinished if run.run_id not in own)
        self._report(run.run_id for run in left if written.get(run.run_id, 0) >= self._generation(run))

    def _report(self, run_ids: Iterable[str]) -> None:
        committed = set(run_ids)
        if committed:
            statuses = self._dataset.finished(self._assignment.sweep, committed)
            self._tracker.done_elsewhere(
                RunReport(run_id, DONE if status == DONE else FAILED) for run_id, status in statuses.items()
            )

    def _generation(self, run: RunSpec) -> int:
        return self._assignment.generations.get(run.run_id, 1)
