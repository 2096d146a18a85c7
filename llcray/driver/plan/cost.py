"""Predicts what runs cost before they run, for the order and the size of trials, the plan and the first time left.

Sampling a run of n examples and d parameters takes

    seconds = 6 n d gradients / speed

since a gradient is one multiply-add per weight and example in the forward pass and two in the backward pass. The speed,
in operations a second, is measured on the runs that the dataset has, and a guess where it has none. Only ratios matter
to the order of trials, so sizes that a spec does not say are guesses too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from llcray.sampling.budget import most_gradients
from llcray.spec import RunSpec

OPERATIONS_PER_SECOND = 2e9
OPERATIONS_PER_WEIGHT = 6
SECONDS_PER_TARGET = 3.0
SECONDS_PER_RUN = 1.0
"""Time to compile a run's programs, which runs share, and to write its row."""
SECONDS_PER_GRADIENT = 1e-4
TYPICAL_NUM_DATA = 1000
TYPICAL_NUM_PARAMS = 1000
MOST_TARGETS = 64
LONGEST_SECONDS = 120.0
"""Longest expected time of a pack of several targets; a single target may take longer."""


@dataclass(frozen=True)
class CostModel:
    """Predicts the seconds that runs and trials take.

    Attributes:
        slowness: Measured seconds over guessed seconds, by sampler kind; 1 for a kind that is not there.
    """

    slowness: Mapping[str, float] = field(default_factory=dict)

    def seconds(self, run: RunSpec) -> float:
        """Returns the seconds that a run takes at most, without building its target."""
        sampling = total_gradients(run) * _guess_seconds_per_gradient(run) * self.slowness.get(run.sampler.kind, 1.0)
        return SECONDS_PER_RUN + sampling

    def trial_seconds(self, runs: Iterable[RunSpec]) -> float:
        """Returns the seconds that a trial takes at most, which builds its targets and does its runs in turn."""
        runs = list(runs)
        return SECONDS_PER_TARGET * len({run.target_id for run in runs}) + sum(map(self.seconds, runs))


def num_gradients(run: RunSpec) -> float:
    """Returns the most full-data gradients that the estimate of a run takes by itself, without companions."""
    return most_gradients(run.sampler, run.sampling, num_data_of(run))


def total_gradients(run: RunSpec) -> float:
    """Returns the most gradients of a run: every temperature and the finer step have a budget of their own."""
    temperatures = len(set(run.posterior.temperatures) - {1.0})
    finer = run.sampling.richardson and run.sampler.bias_order is not None
    return (1 + temperatures + finer) * num_gradients(run)


def unbounded_samplers(runs: Iterable[RunSpec]) -> list[str]:
    """Returns the kinds of sampler that may take more than `num_gradients` knows, sorted."""
    return sorted({run.sampler.kind for run in runs if not run.sampler.knows_its_cost})


def num_data_of(run: RunSpec) -> int:
    """Returns n where the target's spec says it, else a guess."""
    return run.target.size.num_data or TYPICAL_NUM_DATA


def num_params_of(run: RunSpec) -> int:
    """Returns d where the target's spec says it, else a guess."""
    return run.target.size.num_params or TYPICAL_NUM_PARAMS


def fit_cost_model(runs: Iterable[RunSpec], seconds_per_gradient: Mapping[str, float]) -> CostModel:
    """Returns a model that is corrected by what runs took.

    Args:
        runs: Runs of the sweep.
        seconds_per_gradient: Measured seconds per full-data gradient of the runs that the dataset has, by run id.
    """
    ratios: dict[str, list[float]] = {}
    for run in runs:
        seconds = seconds_per_gradient.get(run.run_id)
        if seconds:
            ratios.setdefault(run.sampler.kind, []).append(seconds / _guess_seconds_per_gradient(run))
    return CostModel({kind: sorted(values)[len(values) // 2] for kind, values in ratios.items()})


def pack_size(runs: Sequence[RunSpec], model: CostModel) -> int:
    """Returns how many targets of one signature a trial has at most.

    The costs of a trial (scheduling, loading, calls of programs) are shared by its runs, but a worker that dies takes
    the unfinished part of its pack with it. So small targets are packed and large ones are not.

    Args:
        runs: The runs of one such target.
        model: Predicts the seconds of these runs.
    """
    seconds = model.trial_seconds(runs)
    return max(1, min(MOST_TARGETS, int(LONGEST_SECONDS / seconds)))


def _guess_seconds_per_gradient(run: RunSpec) -> float:
    operations = OPERATIONS_PER_WEIGHT * num_data_of(run) * num_params_of(run)
    return SECONDS_PER_GRADIENT + operations / OPERATIONS_PER_SECOND
