"""Keeps count of how far a sweep is. Knows neither Ray nor terminals."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from llcray_storage.schema.status import DONE

from llcray.driver.plan.cost import CostModel
from llcray.driver.progress.reports import RunReport, TrialReport
from llcray.driver.progress.time_left import TimeLeft
from llcray.spec import Resources, RunSpec, Sweep, TrialPlan


@dataclass
class Running:
    """A trial under way.

    Attributes:
        index: Index of the trial in the plan.
        started: When the trial started, monotonic seconds.
        report: The newest report.
        node: Name of the machine; empty until the first report.
    """

    index: int
    started: float
    report: TrialReport = field(default_factory=TrialReport)
    node: str = ""


@dataclass
class Tracker:
    """State of a sweep under way.

    Attributes:
        sweep: Name of the sweep.
        plans: Trials, by index.
        labels: Short names of the runs, by run id.
        costs: Expected seconds of each run to do, by run id.
        num_before: Runs that were done before this call.
        num_slots: Trials that can run at a time.
        resources: Resources of one trial.
        finished: Reports of the runs that were done since this call began, by run id.
        running: Trials under way, by index.
        losses: Why workers of a trial died, by index of the trial.
        elsewhere: Ids of the finished runs that other drivers have done.
        stopped: Why the sweep ended early; `draining` where the trials under way could end.
        started: When the sweep started, monotonic seconds.
    """

    sweep: str
    plans: Sequence[TrialPlan]
    labels: Mapping[str, str]
    costs: Mapping[str, float]
    num_before: int
    num_slots: int
    resources: Resources = field(default_factory=Resources)
    finished: dict[str, RunReport] = field(default_factory=dict)
    running: dict[int, Running] = field(default_factory=dict)
    losses: dict[int, list[str]] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    stopped: Literal["", "draining", "interrupted", "time budget"] = ""
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._time_left = TimeLeft(self.plans, self.costs)

    @classmethod
    def of(
        cls,
        sweep: Sweep,
        plans: Sequence[TrialPlan],
        labels: Mapping[str, str],
        model: CostModel,
        num_before: int,
        num_slots: int,
    ) -> "Tracker":
        """Makes a tracker of trials none of which has started."""
        costs = {run.run_id: model.seconds(run) for plan in plans for run in plan.runs}
        return cls(sweep.name, plans, labels, costs, num_before, num_slots, sweep.resources)

    @property
    def num_runs(self) -> int:
        """Runs that this call has to do."""
        return len(self.costs)

    @property
    def num_done(self) -> int:
        """Runs of this call that have an estimate."""
        return sum(run.status == DONE for run in self.finished.values())

    @property
    def num_failed(self) -> int:
        """Runs of this call that failed."""
        return len(self.finished) - self.num_done

    @property
    def num_halted(self) -> int:
        """Failed runs that were given up by halving."""
        return sum(run.is_halted for run in self.finished.values())

    @property
    def unfinished(self) -> list[RunSpec]:
        """Runs that this call has still to do."""
        return [run for plan in self.plans for run in plan.runs if run.run_id not in self.finished]

    @property
    def devices(self) -> str:
        """Devices in use of those that the sweep may use, such as `2/4 CPUs` or `1.5/2 GPUs on 2 machines`."""
        kind, num_each = ("GPU", self.resources.gpus) if self.resources.gpus else ("CPU", self.resources.cpus)
        machines = len({running.node for running in self.running.values() if running.node})
        where = f" on {machines} machines" if machines > 1 else ""
        return f"{len(self.running) * num_each:g}/{self.num_slots * num_each:g} {kind}s{where}"

    def label_of(self, running: Running) -> str:
        """Returns the label of the run that a trial works on, of its first run while the target is built."""
        run_id = running.report.run_id or self.plans[running.index].runs[0].run_id
        return self.labels.get(run_id, run_id)

    def trial_started(self, index: int) -> None:
        """Notes that a worker has taken a trial."""
        self.running[index] = Running(index, time.monotonic())

    def reported(self, index: int, report: TrialReport, node: str) -> list[RunReport]:
        """Notes a report; returns the finished runs in it that were not known to be finished."""
        running = self.running.setdefault(index, Running(index, time.monotonic()))
        running.report, running.node = report, node
        return self._note(report.finished)

    def done_elsewhere(self, reports: Iterable[RunReport]) -> None:
        """Notes runs that other drivers of the sweep have committed."""
        self.elsewhere |= {run.run_id for run in self._note(reports)}

    def trial_ended(self, index: int) -> None:
        """Notes that a trial is over."""
        self.running.pop(index, None)

    def trial_lost(self, index: int, reason: str) -> int:
        """Notes that a trial's worker died; returns how many of the trial's workers have died."""
        self.running.pop(index, None)
        self.losses.setdefault(index, []).append(reason)
        return len(self.losses[index])

    def seconds_left(self) -> float | None:
        """Returns the expected seconds to the end; None before a run has finished."""
        begun = {running.report.run_id: running.report.fraction for running in self.running.values()}
        elapsed = time.monotonic() - self.started
        return self._time_left.seconds(begun, self.num_slots, elapsed)

    def _note(self, reports: Iterable[RunReport]) -> list[RunReport]:
        """Adds reports of finished runs; returns those of runs that were not known to be finished."""
        new = {run.run_id: run for run in reports if run.run_id not in self.finished}
        self.finished |= new
        for run in new.values():
            self._time_left.run_finished(run)
        return list(new.values())
