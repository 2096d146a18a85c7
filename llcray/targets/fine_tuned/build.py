"""Builds the checkpoints of fine-tunings, and puts one together again from stored weights."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from llcray.array_types import Arrays, PyTree
from llcray.data.digit_sums import Problems
from llcray.jax_settings import own_settings
from llcray.targets.arrays import tree_of
from llcray.targets.fine_tuned.losses import policy_target
from llcray.targets.fine_tuned.methods.loop import fine_tune
from llcray.targets.fine_tuned.methods.policy import Policy
from llcray.targets.fine_tuned.recipe import FineTuningRecipe
from llcray.targets.model_loss import ModelLoss
from llcray.targets.policy_loss import KLToCenter, PolicyLossVariant
from llcray.targets.random_streams import jax_seed
from llcray.targets.target import Target, TargetFacts
from llcray.targets.trained.build import loss_of
from llcray.targets.trained.trajectory import build_checkpoints
from llcray.targets.variant import TargetLibrary, TargetVariant
from llcray.variant import content_id

PROMPTS_PER_CHUNK = 2000
Recipe = TypeVar("Recipe", bound=FineTuningRecipe)


class Unstored:
    """Targets in memory, for those who build without a dataset (`llcray.targets.variant.TargetLibrary`)."""

    def __init__(self) -> None:
        self._arrays: dict[str, Arrays] = {}

    def arrays_of(self, spec: TargetVariant) -> Arrays | None:
        return self._arrays.get(content_id(spec))

    def keep(self, spec: TargetVariant, target: Target) -> bool:
        self._arrays[content_id(spec)] = spec.stored_arrays(target)
        return True


def build_fine_tuned(specs: Sequence[Recipe], library: TargetLibrary) -> Iterator[tuple[Recipe, Target]]:
    """Makes every checkpoint that the fine-tunings of these specs record; each fine-tuning is done once.

    Args:
        specs: Checkpoints.
        library: Where the networks before fine-tuning are found, and kept once they are trained.

    Raises:
        FloatingPointError: A training or a fine-tuning diverged.
    """
    distinct = {content_id(spec.at_step(None)): spec for spec in reversed(specs)}
    for spec in reversed(distinct.values()):
        start = time.perf_counter()
        base = _base_params(spec, library)
        keep = list(spec.recorded_steps())
        train = spec.data.problems()[0]
        seed = jax_seed("fine_tuning", spec.seed, spec.method.kind)
        kept = fine_tune(spec.method, policy_of(spec), base, train, seed, keep)
        seconds = time.perf_counter() - start
        for step, params in zip(keep, kept, strict=True):
            at_step = spec.at_step(step)
            facts = TargetFacts(**_measured(at_step, params), build_seconds=seconds)
            yield at_step, assembled(at_step, KLToCenter(), params, kept[0], facts)


def _base_params(spec: FineTuningRecipe, library: TargetLibrary) -> PyTree:
    """Weights before fine-tuning: trained once for all methods, without dating when the network grokked."""
    base = spec.base()
    if library.arrays_of(base) is None:
        for checkpoint, target in build_checkpoints([base], num_looks=0):
            library.keep(checkpoint, target)
    arrays = library.arrays_of(base)
    assert arrays is not None
    return stored_params(spec, arrays)


def stored_params(spec: FineTuningRecipe, arrays: Arrays) -> PyTree:
    """The weights among stored arrays."""
    return tree_of("params", _network(spec).abstract_params(), arrays)


def assembled(
    spec: FineTuningRecipe, loss: PolicyLossVariant, params: PyTree, base: PyTree, facts: TargetFacts
) -> Target:
    """The target of a spec with one of its losses.

    Args:
        spec: A checkpoint.
        loss: The loss.
        params: Its weights.
        base: Weights before fine-tuning.
        facts: What was measured when it was built; what depends on the loss is measured anew.
    """
    target = policy_target(policy_of(spec), spec.data.problems()[0], loss, params, base)
    own = {name: getattr(target.facts, name) for name in ("loss_at_center", "gradient_norm_at_center")}
    return dataclasses.replace(target, facts=dataclasses.replace(facts, **own), target_id=content_id(spec))


def policy_of(spec: FineTuningRecipe) -> Policy:
    """The policy of a spec."""
    data = spec.data
    return Policy(_network(spec), data.prompt_length, data.num_digits)


def _network(spec: FineTuningRecipe) -> ModelLoss:
    length = spec.data.prompt_length + spec.data.num_digits - 1
    return loss_of(spec.base(), (length,), spec.data.num_outputs)


def _measured(spec: FineTuningRecipe, params: PyTree) -> dict[str, Any]:
    """Expected reward, exactly; share of greedy answers that are right; negative log-likelihood of right ones."""
    policy, found = policy_of(spec), {}
    with own_settings(float64=False):
        for name, problems in zip(("train", "test"), spec.data.problems(), strict=True):
            if not len(problems.prompts):
                continue
            starts = range(0, len(problems.prompts), PROMPTS_PER_CHUNK)
            chunks = [Problems(*(tokens[i : i + PROMPTS_PER_CHUNK] for tokens in problems)) for i in starts]
            parts = [np.asarray(_scores(policy, params, chunk)) for chunk in chunks]
            log_probs, greedy = np.concatenate(parts, axis=1)
            found |= {f"{name}_reward": float(np.exp(log_probs).mean()), f"{name}_accuracy": float(greedy.mean())}
            if name == "test":
                found["test_loss"] = float(-log_probs.mean())
    return found


@partial(jax.jit, static_argnums=0)
def _scores(policy: Policy, params: PyTree, problems: Problems) -> Any:
    """log pi(right answer), and whether the greedy answer is right: (2, problem).

    It is where every right token is the likeliest one after the right ones before it.
    """
    log_probs = policy.log_probs(params, problems.prompts, problems.right)
    own = policy.log_probs_of(params, problems.prompts, problems.right)
    return jnp.stack([own, jnp.all(log_probs.argmax(-1) == problems.right, axis=-1).astype(own.dtype)])
