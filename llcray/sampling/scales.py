"""Curvature scales of many targets, computed side by side."""

from collections.abc import Hashable, Mapping

import jax
import numpy as np

from llcray.posterior.density import Posterior
from llcray.sampling import curvature
from llcray.sampling.device import chains_together, widths_of
from llcray.sampling.program import is_out_of_memory
from llcray.sampling.stacked import Lanes, stack


def curvature_scales(posteriors: Mapping[int, Posterior]) -> dict[int, float]:
    """The largest curvature of n beta L_n near w*, by index; the same number for every run of a target.

    Args:
        posteriors: In float64, one a run; runs of one target share their arrays and are computed once.
    """
    distinct: dict[Hashable, list[int]] = {}
    for index, posterior in posteriors.items():
        distinct.setdefault((id(posterior.center), float(posterior.n_beta)), []).append(index)
    groups: dict[Hashable, list[list[int]]] = {}
    for indices in distinct.values():
        leaves, treedef = jax.tree.flatten(posteriors[indices[0]])
        groups.setdefault((treedef, tuple(np.shape(leaf) for leaf in leaves)), []).append(indices)
    scales: dict[int, float] = {}
    for group in groups.values():
        values = _scales([posteriors[indices[0]] for indices in group])
        for indices, value in zip(group, values, strict=True):
            scales |= dict.fromkeys(indices, value)
    return scales


def _scales(posteriors: list[Posterior]) -> list[float]:
    widths = widths_of(posteriors[0], 1)
    in_turn = not chains_together(posteriors[0], 1)
    while True:
        try:
            values: list[float] = []
            for width, members in widths.cut(posteriors):
                found = curvature.scale((), stack(members, Lanes(width, 1, in_turn)))
                values += np.asarray(found)[: len(members)].tolist()
            return values
        except jax.errors.JaxRuntimeError as error:
            if widths.full == 1 or not is_out_of_memory(error):
                raise
            widths = widths.halved()
