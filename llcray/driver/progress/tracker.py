"""How far a sweep is: counts, trials under way, time left. Knows neither Ray nor terminals."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from llcray.driver.plan.cost import CostModel
from llcray.driver.progress.reports import RunReport, TrialReport
from llcray.spec import Resources, RunSpec, Sweep, TrialPlan


@dataclass
class Running:
    """A trial under way.

    Attributes:
        index: Its place in the plan.
        started: Monotonic seconds.
        report: The newest.
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
        sweep: Its name.
        plans: Trials, by index.
        labels: Names of runs, by id.
        costs: Expected seconds of runs, by id.
        num_before: Runs that were done before.
        num_slots: Trials that can run at a time.
        resources: Of one trial.
        finished: Reports of the runs done now, by id.
        running: Trials under way, by index.
        losses: Why workers of a trial died, by index.
        stopped: Why the sweep ended before its end; `draining` where trials under way were let end.
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
    stopped: Literal["", "draining", "interrupted", "time budget"] = ""
    started: float = field(default_factory=time.monotonic)

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
        """A tracker of trials none of which has started."""
        costs = {run.run_id: model.seconds(run) for plan in plans for run in plan.runs}
        return cls(sweep.name, plans, labels, costs, num_before, num_slots, sweep.resources)

    @property
    def num_runs(self) -> int:
        """Runs to do now."""
        return len(self.costs)

    @property
    def num_ok(self) -> int:
        """Runs done now that have an estimate."""
        return sum(run.status == "ok" for run in self.finished.values())

    @property
    def num_failed(self) -> int:
        """Runs done now that failed."""
        return len(self.finished) - self.num_ok

    @property
    def num_halted(self) -> int:
        """Of those that failed, the ones that were given up by halving."""
        return sum(run.is_halted for run in self.finished.values())

    @property
    def unfinished(self) -> list[RunSpec]:
        """Runs to do now that are not done."""
        return [run for plan in self.plans for run in plan.runs if run.run_id not in self.finished]

    @property
    def devices(self) -> str:
        """Devices in use, of those that the sweep may use: `2/4 CPUs`, `1.5/2 GPUs on 2 machines`."""
        kind, each = ("GPU", self.resources.gpus) if self.resources.gpus else ("CPU", self.resources.cpus)
        machines = len({running.node for running in self.running.values() if running.node})
        where = f" on {machines} machines" if machines > 1 else ""
        return f"{len(self.running) * each:g}/{self.num_slots * each:g} {kind}s{where}"

    def label_of(self, running: Running) -> str:
        """Name of what a trial works on: its run, or its first one while the target is built."""
        run_id = running.report.run_id or self.plans[running.index].runs[0].run_id
        return self.labels.get(run_id, run_id)

    def trial_started(self, index: int) -> None:
        """A worker has taken a trial."""
        self.running[index] = Running(index, time.monotonic())

    def reported(self, index: int, report: TrialReport, node: str) -> list[RunReport]:
        """Takes in a report; returns the runs it finished that were not known to be."""
        running = self.running.setdefault(index, Running(index, time.monotonic()))
        running.report, running.node = report, node
        new = [run for run in report.finished if run.run_id not in self.finished]
        self.finished |= {run.run_id: run for run in new}
        return new

    def trial_ended(self, index: int) -> None:
        """A trial is over, well or not."""
        self.running.pop(index, None)

    def trial_lost(self, index: int, reason: str) -> int:
        """A worker died; returns how often this trial's workers have."""
        self.running.pop(index, None)
        self.losses.setdefault(index, []).append(reason)
        return len(self.losses[index])

    def seconds_left(self) -> float | None:
        """Expected seconds to the end; None before anything is known.

        Time so far, scaled by the expected cost of what is left over that of what is done.
        """
        done = sum(self.costs[run_id] for run_id in self.finished)
        for running in self.running.values():
            report = running.report
            if report.run_id in self.costs and report.run_id not in self.finished:
                done += report.fraction * self.costs[report.run_id]
        total = sum(self.costs.values())
        elapsed = time.monotonic() - self.started
        if not self.finished or done <= 0.01 * total:
            return None
        return elapsed * (total - done) / done
