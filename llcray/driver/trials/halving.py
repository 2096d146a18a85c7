"""Successive halving by Ray Tune's ASHA, one bracket for each target: samplers compete on it at equal work.

The score is the running error over the running estimate: Monte Carlo error by batch means, plus how far the estimate
moved between the two halves of what is kept. Without the second part a chain that hardly leaves w* would win.
"""

import math
from collections.abc import Sequence
from typing import Any

from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler

from llcray.driver.cluster.ray_internals import unmark_as_resetting
from llcray.driver.progress.reports import HALTED
from llcray.driver.trials.work import Assignment
from llcray.spec import Conduct, Halving

WORK, SCORE = "num_gradients", "relative_error"
MOST_RUNGS = 12


class RestartingScheduler(FIFOScheduler):
    """First in, first out: trials come in their order.

    Tune 2.60 never restarts a trial whose worker died while being reset for it: the trial stays marked as resetting.
    This takes the mark off.
    """

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """See above."""
        super().on_trial_error(tune_controller, trial)
        unmark_as_resetting(tune_controller, trial)


class HalvingScheduler(RestartingScheduler):
    """Ends a trial where ASHA says so.

    Attributes:
        halted: Why, by index of the trial.
    """

    def __init__(self, halving: Halving, groups: Sequence[tuple[str, ...]]) -> None:
        """Nothing decided yet.

        Args:
            halving: Factor and first rung.
            groups: Which trials compete, by index: those of equal groups.
        """
        super().__init__()
        self.halted: dict[int, str] = {}
        self._halving = halving
        self._groups = groups
        self._brackets = {group: _bracket(halving) for group in set(groups)}

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Enters it into its bracket."""
        self._bracket(trial).on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Whether it goes on."""
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
    """Tune's scheduler for a sweep."""
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
