"""Probe sets of a run: their examples before sampling, what became of their losses after it."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from llcray.array_types import PyTree
from llcray.estimation.other_examples import on_other_examples
from llcray.estimation.pack import RunEstimate
from llcray.llc.susceptibility import observable_columns
from llcray.posterior.density import num_data_of
from llcray.spec.observables import MOST_INFLUENCES, Observable
from llcray.targets.target import Target
from llcray.targets.variant import TargetVariant


def probe_examples(observables: Sequence[Observable], target: Target, spec: TargetVariant) -> PyTree:
    """The examples of all sets one after another, in the form of the target's data.

    Raises:
        ValueError: There are fewer than a set asks for, or the target has no such examples.
    """
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *(_examples(one, target, spec) for one in observables))


def observed(observables: Sequence[Observable], result: RunEstimate) -> dict[str, Any]:
    """Columns of a run that table `observables` is made of."""
    draws = result.sampled.draws
    kept = draws.after(result.sampled.num_warmup_draws).of_chains(draws.healthy)
    sets = [one.name for one in observables for _ in range(one.num)]
    return observable_columns(kept, sets, MOST_INFLUENCES)


def _examples(observable: Observable, target: Target, spec: TargetVariant) -> PyTree:
    asked = observable.examples
    source = target if asked == "own" else on_other_examples(target, spec, asked)
    if num_data_of(source) < observable.num:
        raise ValueError(
            f"observables {observable.name}: num {observable.num} is more than its {num_data_of(source)} examples. "
            "Lower it."
        )
    return jax.tree.map(lambda leaf: np.asarray(leaf)[: observable.num], source.data)
