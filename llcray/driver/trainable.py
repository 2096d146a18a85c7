"""The class that Ray Tune runs: one process a slot, kept warm from trial to trial."""

from typing import Any

from llcray_storage import Dataset
from ray import tune

from llcray.driver.process import limit_process
from llcray.driver.work import Assignment, TrialThread
from llcray.spec import Resources

REPORT_SECONDS = 1.0


class SweepTrial(tune.Trainable):
    """Does trials of a sweep. Its config has `index`, the trial's place in the assignment, and `attempt`."""

    # `tune.with_parameters` adds the arguments.
    def setup(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, config: dict[str, Any], assignment: Assignment, resources: Resources
    ) -> None:
        """Prepares the process and starts the first trial."""
        limit_process(resources.cpus, resources.gpus)
        self._assignment = assignment
        self._dataset = Dataset.open(assignment.root)
        self._start(config)

    def step(self) -> dict[str, Any]:
        """Waits for a run to finish, a second at most."""
        report, over = self._trial.next_report(REPORT_SECONDS)
        return {"report": report, "done": over}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Goes on to another trial in the same process."""
        self._trial.cancel()
        self._start(new_config)
        return True

    def cleanup(self) -> None:
        """Ends the trial under way, if there is one."""
        self._trial.cancel()

    def _start(self, config: dict[str, Any]) -> None:
        plan = self._assignment.plans[config["index"]]
        self._trial = TrialThread(self._assignment, plan, self._dataset, config["attempt"])
