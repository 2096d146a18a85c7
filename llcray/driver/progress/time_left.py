"""Expects how long the rest of a sweep takes, from what finished runs took without compilation."""

from collections.abc import Mapping, Sequence

import numpy as np

from llcray.driver.progress.reports import RunReport
from llcray.spec import TrialPlan


class TimeLeft:
    """Expected seconds to the end of a sweep.

        seconds left = max(longest trial, sum over trials/num_slots) + compilation of new samplers,
        a trial      = sum over runs left of cost * slowness * share left

    The slowness of a sampler is what its finished runs took without compilation over their costs; that of all finished
    runs where none of the sampler's has. Where no run says what it took, the time that has passed is scaled by costs.
    Sums are kept by trial and sampler, so that a look costs the same whether ten runs are finished or ten thousand.
    """

    def __init__(self, plans: Sequence[TrialPlan], costs: Mapping[str, float]) -> None:
        """Take trials of which no run is finished.

        Args:
            plans: Trials of the sweep.
            costs: Seconds that each run to do was expected to take, by run id.
        """
        kinds: dict[str, int] = {}
        self._costs, self._total = costs, sum(costs.values())
        self._places = {
            run.run_id: (trial, kinds.setdefault(run.sampler.kind, len(kinds)))
            for trial, plan in enumerate(plans)
            for run in plan.runs
        }
        self._left = np.zeros((len(plans), len(kinds)))
        self._num_left = np.zeros(len(kinds), dtype=int)
        self._taken, self._timed_costs = np.zeros((2, len(kinds)))
        self._compile_seconds = 0.0
        self._finished: set[str] = set()
        for run_id, place in self._places.items():
            self._left[place] += costs[run_id]
            self._num_left[place[1]] += 1

    def run_finished(self, report: RunReport) -> None:
        """Notes that a run of the sweep is done; a second report of a run changes nothing."""
        place = self._places.get(report.run_id)
        if place is None or report.run_id in self._finished:
            return
        kind, cost = place[1], self._costs[report.run_id]
        self._finished.add(report.run_id)
        self._left[place] -= cost
        self._num_left[kind] -= 1
        if report.seconds > 0:
            self._taken[kind] += report.seconds - report.compile_seconds
            self._timed_costs[kind] += cost
            self._compile_seconds += report.compile_seconds

    def seconds(self, begun: Mapping[str, float], num_slots: int, elapsed: float) -> float | None:
        """Returns the expected seconds to the end; None before a run has finished.

        Args:
            begun: Share of its budget that each run under way has spent, by run id.
            num_slots: Trials that run at a time.
            elapsed: Seconds since the sweep began.
        """
        if not self._finished:
            return None
        left = np.where(self._num_left > 0, self._left, 0.0)
        for run_id, share in begun.items():
            if run_id in self._places and run_id not in self._finished:
                left[self._places[run_id]] -= share * self._costs[run_id]
        is_timed = self._timed_costs > 0
        if not is_timed.any():
            return elapsed * float(left.sum()) / (self._total - float(left.sum()))
        slowness = np.full(len(is_timed), self._taken.sum() / self._timed_costs.sum())
        np.divide(self._taken, self._timed_costs, out=slowness, where=is_timed)
        trials = left @ slowness
        num_new = np.count_nonzero(~is_timed & (self._num_left > 0))
        compilation = num_new * self._compile_seconds / np.count_nonzero(is_timed)
        return float(max(trials.max(), trials.sum() / num_slots) + compilation)
