"""Gives up samplers by successive halving (Ray Tune's ASHA): those of one target compete at equal work.

The score of a run is `llcray.llc.summary.running_error`, the error of its running estimate relative to the estimate.
"""

import math
from collections.abc import Sequence
from typing import Any

from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler

from llcray.driver.cluster.ray_internals import forget_answers, forget_finished_trials, unmark_as_resetting
from llcray.driver.progress.reports import HALTED
from llcray.driver.trials.work import Assignment
from llcray.spec import Conduct, Halving

WORK, SCORE = "num_gradients", "relative_error"
MOST_RUNGS = 12


class RestartingScheduler(FIFOScheduler):
    """Starts trials in their order, restarts those whose worker died in a reset, and forgets what is over."""

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        forget_answers(tune_controller, trial)
        return super().on_trial_result(tune_controller, trial, result)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        super().on_trial_complete(tune_controller, trial, result)
        forget_finished_trials(tune_controller)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        super().on_trial_error(tune_controller, trial)
        unmark_as_resetting(tune_controller, trial)


class HalvingScheduler(RestartingScheduler):
    """Ends the trials that ASHA gives up.

    Attributes:
        halted: Reason for each trial that was given up, by index of the trial.
    """

    def __init__(self, halving: Halving, groups: Sequence[tuple[str, ...]]) -> None:
        """Sets up one bracket of ASHA for each group of trials.

        Args:
            halving: Factor and first rung.
            groups: Group of each trial, by index; the trials of a group compete.
        """
        super().__init__()
        self.halted: dict[int, str] = {}
        self._halving = halving
        self._groups = groups
        self._brackets = {group: _bracket(halving) for group in set(groups)}

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        self._bracket(trial).on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Decides whether the trial goes on."""
        super().on_trial_result(tune_controller, trial, result)
        score, work = result.get(SCORE, math.nan), result.get(WORK, 0.0)
        if result.get("done") or not math.isfinite(score) or work < self._halving.first_gradients:
            return TrialScheduler.CONTINUE
        decision = self._bracket(trial).on_trial_result(tune_controller, trial, result)
        if decision == TrialScheduler.STOP:
            self.halted[trial.config["index"]] = (
                f"{HALTED} by successive halving after {work:,.0f} gradients: relative error {score:.2g} is not among "
                f"the best 1/{self._halving.factor} of its target's samplers"
            )
        return decision

    def _bracket(self, trial: Any) -> AsyncHyperBandScheduler:
        return self._brackets[self._groups[trial.config["index"]]]


def scheduler_of(conduct: Conduct, assignment: Assignment) -> FIFOScheduler:
    """Returns Tune's scheduler for a sweep."""
    if conduct.halving is None:
        return RestartingScheduler()
    return HalvingScheduler(conduct.halving, [conduct.group(plan.runs[0]) for plan in assignment.plans])


def _bracket(halving: Halving) -> AsyncHyperBandScheduler:
    first = max(1, round(halving.first_gradients))
    return AsyncHyperBandScheduler(
        time_attr=WORK,
        metric=SCORE,
        mode="min",
        max_t=first * halving.factor**MOST_RUNGS,
        grace_period=first,
        reduction_factor=halving.factor,
    )
