"""Expects how long the rest of a sweep takes, from what finished runs took without compilation."""

from collections.abc import Mapping, Sequence

from llcray.driver.progress.reports import RunReport
from llcray.spec import RunSpec, TrialPlan


def seconds_left(
    plans: Sequence[TrialPlan],
    costs: Mapping[str, float],
    finished: Mapping[str, RunReport],
    begun: Mapping[str, float],
    num_slots: int,
    elapsed: float,
) -> float | None:
    """Returns the expected seconds to the end of a sweep; None before a run has finished.

        seconds left = max(longest trial, sum over trials/num_slots) + compilation of new samplers,
        a trial      = sum over runs left of cost * slowness * share left

    The slowness of a sampler is what its finished runs took without compilation over their costs; that of all finished
    runs where none of the sampler's has. Where no run says what it took, the time that has passed is scaled by costs.

    Args:
        plans: Trials of the sweep.
        costs: Seconds that each run to do was expected to take, by run id.
        finished: Reports of the runs that are done, by run id.
        begun: Share of its budget that each run under way has spent, by run id.
        num_slots: Trials that run at a time.
        elapsed: Seconds since the sweep began.
    """
    if not finished:
        return None
    left = {run_id: cost * (1 - begun.get(run_id, 0.0)) for run_id, cost in costs.items() if run_id not in finished}
    runs = {run.run_id: run for plan in plans for run in plan.runs}
    timed = [runs[run_id] for run_id, report in finished.items() if run_id in runs and report.seconds > 0]
    if not timed:
        done = sum(costs.values()) - sum(left.values())
        return elapsed * sum(left.values()) / done
    slowness = {kind: _slowness(of_kind, costs, finished) for kind, of_kind in _by_sampler(timed).items()}
    typical = _slowness(timed, costs, finished)
    trials = [
        sum(left[run.run_id] * slowness.get(run.sampler.kind, typical) for run in plan.runs if run.run_id in left)
        for plan in plans
    ]
    num_new = len({runs[run_id].sampler.kind for run_id in left} - set(slowness))
    compilation = sum(finished[run.run_id].compile_seconds for run in timed) / len(slowness)
    return max(max(trials), sum(trials) / num_slots) + num_new * compilation


def _by_sampler(runs: Sequence[RunSpec]) -> dict[str, list[RunSpec]]:
    groups: dict[str, list[RunSpec]] = {}
    for run in runs:
        groups.setdefault(run.sampler.kind, []).append(run)
    return groups


def _slowness(runs: Sequence[RunSpec], costs: Mapping[str, float], finished: Mapping[str, RunReport]) -> float:
    """Returns the seconds that runs took without compilation, over their costs."""
    taken = sum(finished[run.run_id].seconds - finished[run.run_id].compile_seconds for run in runs)
    return taken / sum(costs[run.run_id] for run in runs)
