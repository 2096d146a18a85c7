"""Computes something of targets side by side, once for all runs of a target."""

from collections.abc import Hashable, Mapping
from typing import Any

import jax
import numpy as np

from llcray.posterior.density import Posterior
from llcray.sampling.device import chains_together, widths_of
from llcray.sampling.program import Program, is_out_of_memory
from llcray.sampling.stacked import Lanes, stack


def once_a_target(
    program: Program, static: tuple[Hashable, ...], posteriors: Mapping[int, Posterior]
) -> dict[int, Any]:
    """Returns a program's result for every run, by index; runs of one target have the same result.

    Args:
        program: `program(static, posterior (run, ...))` gives arrays whose first axis is runs.
        static: Static arguments of the program.
        posteriors: One a run; runs of one target share their arrays and are computed once.
    """
    runs_of_target: dict[Hashable, list[int]] = {}
    for index, posterior in posteriors.items():
        runs_of_target.setdefault((id(posterior.center), float(posterior.n_beta)), []).append(index)
    groups: dict[Hashable, list[list[int]]] = {}
    for indices in runs_of_target.values():
        leaves, treedef = jax.tree.flatten(posteriors[indices[0]])
        groups.setdefault((treedef, tuple(np.shape(leaf) for leaf in leaves)), []).append(indices)
    results: dict[int, Any] = {}
    for group in groups.values():
        values = _of_one_signature(program, static, [posteriors[indices[0]] for indices in group])
        for indices, value in zip(group, values, strict=True):
            results |= dict.fromkeys(indices, value)
    return results


def _of_one_signature(program: Program, static: tuple[Hashable, ...], posteriors: list[Posterior]) -> list[Any]:
    widths = widths_of(posteriors[0], 1)
    in_turn = not chains_together(posteriors[0], 1)
    while True:
        try:
            results: list[Any] = []
            for width, members in widths.cut(posteriors):
                values = jax.device_get(program(static, stack(members, Lanes(width, 1, in_turn))))
                results += [jax.tree.map(lambda leaf, lane=lane: leaf[lane], values) for lane in range(len(members))]
            return results
        except jax.errors.JaxRuntimeError as error:
            if widths.full == 1 or not is_out_of_memory(error):
                raise
            widths = widths.halved()
