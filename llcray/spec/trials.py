"""Runs grouped into the units that are scheduled."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from llcray.spec.run import RunSpec
from llcray.targets import TargetSpec
from llcray.variant import content_id


@dataclass(frozen=True)
class TrialPlan:
    """A target and runs of it, done by one worker, one after another.

    Attributes:
        runs: At least one; all of one target.
    """

    runs: tuple[RunSpec, ...]

    @property
    def target(self) -> TargetSpec:
        """The target of every run."""
        return self.runs[0].target

    @property
    def target_id(self) -> str:
        """Its content id."""
        return self.runs[0].target_id

    @property
    def trial_id(self) -> str:
        """Content id of the runs."""
        return content_id([run.run_id for run in self.runs])


def trials(runs: Sequence[RunSpec], num_slots: int) -> tuple[TrialPlan, ...]:
    """One trial a target; with fewer targets than slots, the largest ones are split until every slot has work.

    Args:
        runs: What is still to be done.
        num_slots: Trials that can run at a time.

    Returns:
        Trials in the order of the runs; the parts of a target differ by at most one run.
    """
    of_target: dict[str, list[RunSpec]] = {}
    for run in runs:
        of_target.setdefault(run.target_id, []).append(run)
    num_parts = dict.fromkeys(of_target, 1)
    for _ in range(min(num_slots, len(runs)) - len(of_target)):
        largest = max(of_target, key=lambda target_id: len(of_target[target_id]) / num_parts[target_id])
        num_parts[largest] += 1
    return tuple(TrialPlan(part) for key, group in of_target.items() for part in _split(group, num_parts[key]))


def _split(runs: Sequence[RunSpec], num_parts: int) -> list[tuple[RunSpec, ...]]:
    bounds = [len(runs) * part // num_parts for part in range(num_parts + 1)]
    return [tuple(runs[start:end]) for start, end in itertools.pairwise(bounds)]
