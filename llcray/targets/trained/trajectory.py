"""Builds the checkpoints of trainings: every training once, those of one shape side by side in one program."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from llcray.array_types import Arrays, PyTree
from llcray.data import Split
from llcray.targets.model_loss import ModelLoss, initial_params
from llcray.targets.random_streams import jax_seed
from llcray.targets.target import Target
from llcray.targets.trained.build import check_batch_size, facts_of, loss_of
from llcray.targets.trained.examples import batch_of, labelled_examples
from llcray.targets.trained.recipe import TrainingRecipe
from llcray.training import Training
from llcray.training.trajectory import train
from llcray.variant import canonical_json, content_id

NUM_LOOKS = 200
"""Looks at the accuracies of the last phase: grokking is dated to half a percent of its steps."""
LEAST_LOOKS = 20
EXAMPLES_PER_LOOKED_AT = 3
"""A step works on an example three times as long as a look does; looks take no longer than steps together."""
LEARNED = 0.95
Recipe = TypeVar("Recipe", bound=TrainingRecipe)


@dataclass(frozen=True)
class Accuracy:
    """Share of examples a classifier gets right; equal by value."""

    loss: ModelLoss

    def __call__(self, params: PyTree, data: PyTree) -> jax.Array:
        """The share, between 0 and 1."""
        return jnp.mean(self.loss.outputs(params, data["x"]).argmax(-1) == data["y"], where=data["y"] >= 0)


def build_checkpoints(specs: Sequence[Recipe], num_looks: int = NUM_LOOKS) -> Iterator[tuple[Recipe, Target]]:
    """Makes every checkpoint that the trainings of these specs record; yields its spec and its target.

    Args:
        specs: Checkpoints; those of one training share it, trainings that differ in their seed alone share a program.
        num_looks: Looks at the accuracies of the last phase; 0 dates no grokking.

    Raises:
        FloatingPointError: A training diverged.
    """
    of_program: dict[str, dict[str, Recipe]] = {}
    for spec in specs:
        training = spec.at_step(None)
        program = canonical_json([training.model_copy(update={"seed": 0}), list(spec.recorded_steps())])
        of_program.setdefault(program, {}).setdefault(content_id(training), spec)
    for trainings in of_program.values():
        yield from _build_program(list(trainings.values()), num_looks)


def _build_program(specs: list[Recipe], num_looks: int) -> Iterator[tuple[Recipe, Target]]:
    """Trainings that differ in their seed alone, phase by phase."""
    start = time.perf_counter()
    params, made, first = None, [], 0
    for index, num_steps in enumerate(specs[0].phase_steps()):
        phases = [spec.in_phase(index) for spec in specs]
        keep = [step for step in specs[0].recorded_steps() if first < step <= first + num_steps]
        keep = [0, *keep] if index == 0 and 0 in specs[0].recorded_steps() else keep
        last = index == len(specs[0].phase_steps()) - 1
        steps = [step - first for step in keep]
        phase = _train_phase(phases, params, steps, num_steps, num_looks if last else None)
        made += [(index, first, keep, phase)]
        params, first = phase.last, first + num_steps
    grokking = made[-1][3].grokking
    seconds = (time.perf_counter() - start) / len(specs)
    for index, _, keep, phase in made:
        for number, spec in enumerate(specs):
            for slot, step in enumerate(keep):
                target = phase.target(number, slot)
                facts = dataclasses.replace(target.facts, phase=index, build_seconds=seconds, **grokking[number])
                at_step = spec.at_step(step)
                yield at_step, dataclasses.replace(target, facts=facts, target_id=content_id(at_step))


@dataclass(frozen=True)
class _Phase:
    """The outcome of one phase of several trainings.

    Arrays of weights have the trainings as their first axis, and the kept steps as their second.
    """

    specs: Sequence[TrainingRecipe]
    loss: ModelLoss
    splits: list[Any]
    batches: list[tuple[Arrays, Arrays]]
    kept: PyTree
    last: PyTree
    grokking: list[dict[str, Any]]

    def target(self, number: int, slot: int) -> Target:
        """The checkpoint in a slot of a training."""
        params = jax.tree.map(lambda leaf: np.ascontiguousarray(leaf[number, slot]), self.kept)
        data, test = self.batches[number]
        facts = facts_of(self.specs[number], self.splits[number], self.loss, params, data, test)
        return Target(params=params, loss_fn=self.loss, data=data, facts=facts)


def _train_phase(
    specs: Sequence[TrainingRecipe], params: PyTree | None, keep: list[int], num_steps: int, num_looks: int | None
) -> _Phase:
    """One phase, from the weights of the one before, or from initial ones; `num_looks` is None before the last."""
    splits = [labelled_examples(spec) for spec in specs]
    training = _suited(specs[0], len(splits[0].train), num_steps, num_looks is not None)
    loss = loss_of(specs[0], splits[0].train.x.shape[1:], splits[0].num_outputs)
    pairs = zip(specs, splits, strict=True)
    batches = [(batch_of(spec, split.train), batch_of(spec, split.test)) for spec, split in pairs]
    if params is None:
        params = _stacked([_initial(spec, loss) for spec in specs])
    look, look_at = [], ()
    if num_looks and specs[0].data.task == "classification" and len(splits[0].test):
        num_looks = _affordable(num_looks, num_steps * (training.batch_size or len(splits[0].train)), splits[0])
        look = sorted({round(num_steps * turn / num_looks) for turn in range(1, num_looks + 1)} - {0})
        look_at = tuple(_stacked([pair[part] for pair in batches]) for part in (0, 1))
    seeds = [jax_seed("minibatches", spec.seed, spec.data) for spec in specs]
    data = _stacked([pair[0] for pair in batches])
    found = train(training, loss, params, data, seeds, keep, look, Accuracy(loss), look_at)
    grokking = [grokking_facts(look, seen) for seen in found.looks] if look else [{} for _ in specs]
    return _Phase(specs, loss, splits, batches, found.params, found.last, grokking)


def _affordable(num_looks: int, num_trained_on: int, split: Split) -> int:
    """Looks that take no longer than the training; a training in small batches of much data has few."""
    num_looked_at = len(split.train) + len(split.test)
    affordable = EXAMPLES_PER_LOOKED_AT * num_trained_on // num_looked_at
    return min(num_looks, max(LEAST_LOOKS, affordable))


def _suited(spec: TrainingRecipe, num_data: int, num_steps: int, last: bool) -> Training:
    """The training of a phase; a phase before the last with fewer examples than a batch trains on all of them."""
    if last:
        check_batch_size(spec, num_data)
    size = spec.training.batch_size
    batch_size = None if size is None or size > num_data else size
    return spec.training.model_copy(update={"num_steps": num_steps, "batch_size": batch_size})


def grokking_facts(steps: Sequence[int], accuracies: np.ndarray) -> dict[str, Any]:
    """The steps at which the training data, and the held-out data, were first learned to 95%.

    Args:
        steps: Steps looked at, counted from the start of the last phase (look,).
        accuracies: On training and held-out data (look, 2).
    """
    learned = [np.flatnonzero(part >= LEARNED) for part in accuracies.T]
    memorized, grokked = (steps[found[0]] if len(found) else None for found in learned)
    lag = grokked - memorized if memorized is not None and grokked is not None else None
    return {
        "memorization_step": memorized,
        "grokking_step": grokked,
        "grokking_lag": lag,
        "grokking_censored": grokked is None,
    }


def _initial(spec: TrainingRecipe, loss: ModelLoss) -> PyTree:
    shape = list(loss.input_shape)
    seed = jax_seed("initial_weights", spec.seed, spec.architecture, shape, loss.num_outputs)
    return initial_params(spec.architecture, loss.input_shape, loss.num_outputs, seed)


def _stacked(trees: list[PyTree]) -> PyTree:
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *trees)
