"""Runs grouped into the units that are scheduled."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from llcray.spec.run import RunSpec
from llcray.targets import TargetSpec
from llcray.variant import canonical_json, content_id


@dataclass(frozen=True)
class TrialPlan:
    """Targets of one compile signature and runs of them, done by one worker side by side.

    Attributes:
        runs: At least one; those of one target together.
    """

    runs: tuple[RunSpec, ...]

    @cached_property
    def targets(self) -> Mapping[str, TargetSpec]:
        """The targets, by id, in the order of the runs."""
        return {run.target_id: run.target for run in self.runs}

    @property
    def target(self) -> TargetSpec:
        """The first target, which stands for the others: all have its signature."""
        return self.runs[0].target

    @property
    def target_id(self) -> str:
        """Its content id."""
        return self.runs[0].target_id

    @property
    def trial_id(self) -> str:
        """Content id of the runs."""
        return content_id([run.run_id for run in self.runs])


PackSize = Callable[[Sequence[RunSpec]], int]


def _alone(runs: Sequence[RunSpec]) -> int:
    del runs
    return 1


def trials(runs: Sequence[RunSpec], num_slots: int, pack_size: PackSize = _alone) -> tuple[TrialPlan, ...]:
    """Packs of targets of one signature; with fewer targets than slots, the largest are split until all have work.

    Args:
        runs: What is still to be done.
        num_slots: Trials that can run at a time.
        pack_size: Most targets of a trial, given the runs of one such target. Packs are smaller where slots would be
            left idle, and as even as they can be.

    The checkpoints of one training count as one target here: whoever builds one of them trains for all. Runs that have
    to be done one after the other are not parted.

    Returns:
        Trials in the order of the runs; the parts of a target differ by at most one run, or chain of runs.
    """
    of_target: dict[str, list[RunSpec]] = {}
    for run in runs:
        of_target.setdefault(run.trajectory_id or run.target_id, []).append(run)
    if len(of_target) >= num_slots:
        return _packs(list(of_target.values()), num_slots, pack_size)
    chains = {target_id: _chains(group) for target_id, group in of_target.items()}
    num_parts = dict.fromkeys(chains, 1)
    for _ in range(min(num_slots, sum(map(len, chains.values()))) - len(chains)):
        largest = max(chains, key=lambda target_id: len(chains[target_id]) / num_parts[target_id])
        num_parts[largest] += 1
    parts = (part for key, group in chains.items() for part in _split(group, num_parts[key]))
    return tuple(TrialPlan(tuple(itertools.chain(*part))) for part in parts)


def _chains(runs: Sequence[RunSpec]) -> list[list[RunSpec]]:
    """Runs that follow one another together; each other run alone."""
    chains: dict[str, list[RunSpec]] = {}
    for run in runs:
        chains.setdefault(run.chain_id, []).append(run)
    return list(chains.values())


def _packs(targets: Sequence[list[RunSpec]], num_slots: int, pack_size: PackSize) -> tuple[TrialPlan, ...]:
    """Targets of each signature shared out evenly, to so many trials that each slot has one."""
    of_signature: dict[str, list[list[RunSpec]]] = {}
    for group in targets:
        of_signature.setdefault(_signature(group[0].target), []).append(group)
    plans = []
    for groups in of_signature.values():
        share = num_slots * len(groups) / len(targets)
        num_packs = max(math.ceil(len(groups) / max(1, pack_size(groups[0]))), min(len(groups), math.ceil(share)))
        plans += [TrialPlan(tuple(itertools.chain(*pack))) for pack in _split(groups, num_packs)]
    return tuple(plans)


def _signature(target: TargetSpec) -> str:
    return canonical_json([target.kind, target.signature()])


def _split(items: Sequence, num_parts: int) -> list[tuple]:
    bounds = [len(items) * part // num_parts for part in range(num_parts + 1)]
    return [tuple(items[start:end]) for start, end in itertools.pairwise(bounds)]
