"""What a run is expected to cost, before it runs: for the order of trials, the plan and the first ETA.

seconds = 6 n d x gradients / speed: one multiply-add a weight forward, two backward; speed in operations a second,
from the runs the dataset has, else a guess. Only ratios matter to the order, so unknown sizes are guessed too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from llcray.spec import RunSpec

OPERATIONS_PER_SECOND = 2e9
OPERATIONS_PER_WEIGHT = 6
SECONDS_PER_TARGET = 3.0
SECONDS_PER_RUN = 1.0
"""Compilation, shared by runs of one program, and writing."""
SECONDS_PER_GRADIENT = 1e-4
TYPICAL_NUM_DATA = 1000
TYPICAL_NUM_PARAMS = 1000
MOST_TARGETS = 64
LONGEST_SECONDS = 120.0
"""Of a pack, at most, by the cost model; a single target may take longer."""


@dataclass(frozen=True)
class CostModel:
    """Predicts gradients and seconds.

    Attributes:
        slowness: Seconds measured over seconds guessed, by sampler kind.
    """

    slowness: Mapping[str, float] = field(default_factory=dict)

    def seconds(self, run: RunSpec) -> float:
        """Seconds at most, building the target excluded."""
        sampling = num_gradients(run) * _guess_seconds_per_gradient(run) * self.slowness.get(run.sampler.kind, 1.0)
        return SECONDS_PER_RUN + sampling

    def trial_seconds(self, runs: Iterable[RunSpec]) -> float:
        """Seconds of a trial: building its targets, and its runs one after another."""
        runs = list(runs)
        return SECONDS_PER_TARGET * len({run.target_id for run in runs}) + sum(map(self.seconds, runs))


def num_gradients(run: RunSpec) -> float:
    """Full-data-equivalent gradients of a run, at most: its budget, or what its draws can cost."""
    sampling = run.sampling
    per_step = run.sampler.gradients_per_step(num_data_of(run))
    steps_per_draw = sampling.steps_per_draw or max(1, round(1 / per_step))
    draws = sampling.num_chains * sampling.budget.num_draws * (steps_per_draw * per_step + 1 / 3)
    return min(sampling.budget.num_gradients, draws)


def num_data_of(run: RunSpec) -> int:
    """n where the spec says it, else a guess."""
    return run.target.size.num_data or TYPICAL_NUM_DATA


def num_params_of(run: RunSpec) -> int:
    """d where the spec says it, else a guess."""
    return run.target.size.num_params or TYPICAL_NUM_PARAMS


def measured(runs: Iterable[RunSpec], seconds_per_gradient: Mapping[str, float]) -> CostModel:
    """A model corrected by what runs took.

    Args:
        runs: Runs of the sweep.
        seconds_per_gradient: Of those that are in the dataset, by run id.
    """
    ratios: dict[str, list[float]] = {}
    for run in runs:
        taken = seconds_per_gradient.get(run.run_id)
        if taken:
            ratios.setdefault(run.sampler.kind, []).append(taken / _guess_seconds_per_gradient(run))
    return CostModel({kind: sorted(values)[len(values) // 2] for kind, values in ratios.items()})


def _guess_seconds_per_gradient(run: RunSpec) -> float:
    operations = OPERATIONS_PER_WEIGHT * num_data_of(run) * num_params_of(run)
    return SECONDS_PER_GRADIENT + operations / OPERATIONS_PER_SECOND


def pack_size(runs: Sequence[RunSpec], model: CostModel) -> int:
    """Most targets of a trial, given the runs of one such target.

    A worker pays for a trial once (scheduling, loading, calls of programs), for a run each time; a worker that dies
    takes the unfinished part of its pack with it. So small targets are packed and large ones are not.
    """
    seconds = model.trial_seconds(runs)
    return max(1, min(MOST_TARGETS, int(LONGEST_SECONDS / seconds)))
