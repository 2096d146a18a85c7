"""Losses of probe examples over the kept draws of a run, as columns of the dataset."""

from typing import Any

import numpy as np

from llcray.llc.draws import Draws
from llcray.llc.susceptibility import Measured, bayesian_influence, of_chain_means, susceptibility


def observed_columns(kept: Draws, sets: list[str], most_influences: int) -> dict[str, Any]:
    """Means, susceptibilities and, of few examples, influences, each with its standard error over chains.

    Args:
        kept: Draws of healthy chains, burn-in left out.
        sets: Name of each example's probe set.
        most_influences: Influences are given of so many examples at most, whose number of pairs is its square.
    """
    if not kept.num_chains or not kept.num_draws:
        return {}
    measured = {
        "probe_loss": of_chain_means(kept.observables),
        "probe_susceptibility": susceptibility(kept.centered_loss, kept.observables),
    }
    if len(sets) <= most_influences:
        measured["probe_influence"] = bayesian_influence(kept.observables)
    return {"probe_set": sets, **{key: cell for name, each in measured.items() for key, cell in _cells(name, each)}}


def _cells(name: str, measured: Measured) -> list[tuple[str, list[float]]]:
    """Row by row."""
    pairs = ((name, measured.value), (f"{name}_se", measured.standard_error))
    return [(key, np.asarray(values, np.float64).reshape(-1).tolist()) for key, values in pairs]
