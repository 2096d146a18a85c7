"""Does trials in the processes that Ray Tune starts: one process a slot, kept from trial to trial."""

import os
import sys
from typing import Any

import ray
from llcray_storage import Dataset
from ray import tune

from llcray.driver.cluster.driver_state import TRIAL_BEGINS, WorkerLocation
from llcray.driver.trials.halving import SCORE, WORK
from llcray.driver.trials.process import limit_process
from llcray.driver.trials.work import Assignment, TrialThread
from llcray.spec import Resources, TrialPlan

REPORT_SECONDS = 1.0


class SweepTrial(tune.Trainable):
    """Does trials of a sweep, one after another.

    The config of a trial has its `index` in the assignment, `run_ids`, which of its runs to do, and `attempt`, the
    number of workers that died at it.
    """

    # `tune.with_parameters` adds the arguments.
    def setup(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, config: dict[str, Any], assignment: Assignment, resources: Resources
    ) -> None:
        """Prepares the process and starts the first trial.

        Args:
            config: Config of the first trial.
            assignment: All trials of the sweep.
            resources: Resources of one trial.
        """
        limit_process(resources.cpus, resources.gpus)
        self._assignment = assignment
        self._dataset = Dataset.open(assignment.root)
        self._location = _location()
        self._start(config)

    def step(self) -> dict[str, Any]:
        """Waits for a run to finish, `REPORT_SECONDS` at most, and reports."""
        report, over = self._trial.next_report(REPORT_SECONDS)
        for run in report.finished:
            _log(f"run {run.run_id} {run.status} {run.reason}".rstrip())
        return {
            "report": report,
            "location": self._location,
            "done": over,
            SCORE: report.relative_error,
            WORK: report.num_gradients,
        }

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Goes on to another trial in the same process."""
        self._trial.cancel()
        self._start(new_config)
        return True

    def cleanup(self) -> None:
        """Ends the trial under way, if there is one."""
        self._trial.cancel()

    def _start(self, config: dict[str, Any]) -> None:
        wanted = set(config["run_ids"])
        plan = TrialPlan(tuple(run for run in self._assignment.plans[config["index"]].runs if run.run_id in wanted))
        run_ids = " ".join(run.run_id for run in plan.runs)
        attempt, sweep = config["attempt"] + 1, self._assignment.sweep
        _log(f"{TRIAL_BEGINS} {plan.trial_id} of sweep {sweep}, attempt {attempt}: {run_ids}")
        self._trial = self._begin(plan, config["attempt"])

    def _begin(self, plan: TrialPlan, attempt: int) -> TrialThread:
        return TrialThread(self._assignment, plan, self._dataset, attempt)


def _location() -> WorkerLocation:
    context = ray.get_runtime_context()
    return WorkerLocation(context.get_node_id(), os.uname().nodename, context.get_worker_id(), os.getpid())


def _log(text: str) -> None:
    """Writes a line to this process's log, which Ray keeps on its machine and `llcray logs` shows."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
