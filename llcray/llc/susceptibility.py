"""Susceptibilities and Bayesian influences: covariances of losses under the local posterior, with standard errors.

    susceptibility of a component to example j:   chi_j = -Cov(L_n(w), l_j(w) - L_n(w))
    Bayesian influence of example i on example j:  BIF_ij = -Cov(l_i(w), l_j(w))

Here w is drawn from the posterior of the component, with the other parameters held at w*; L_n is the loss of the data
and l_j the loss of probe example j. To first order, the loss L_n + h (l_j - L_n), in which example j has more weight,
changes E[L_n] by n beta h chi_j; the weight n beta (1/n + h) of example i changes E[l_j] by n beta h BIF_ij.

Reference: Baker et al. 2025, arXiv 2504.18274, section 3 (susceptibilities of weight-restricted posteriors); Kreer et
al. 2025, arXiv 2509.26544, eq. 6 (Bayesian influence functions).
"""

from typing import Any, NamedTuple

import numpy as np

from llcray.llc.draws import Draws


class Measured(NamedTuple):
    """Values and their standard errors, of one shape.

    Attributes:
        value: Estimates over all chains, nats^2.
        standard_error: Standard deviation of the chains' own estimates over the root of their number; NaN for one.
    """

    value: np.ndarray
    standard_error: np.ndarray


def susceptibility(centered_loss: np.ndarray, observables: np.ndarray) -> Measured:
    """The susceptibility chi_j of every probe example, shape (example,), nats^2.

    Args:
        centered_loss: L_n(w) - L_n(w*) of the kept draws, shape (chain, draw), nats.
        observables: l_j(w) of the same draws, shape (chain, draw, example), nats.
    """
    loss = _centered(np.asarray(centered_loss, np.float64))
    others = _centered(np.asarray(observables, np.float64)) - loss[..., None]
    return _over_chains(-np.einsum("cd,cdj->cj", loss, others) / loss.shape[1])


def bayesian_influence(observables: np.ndarray, on: np.ndarray | None = None) -> Measured:
    """The Bayesian influence BIF_ij, shape (example, other example), nats^2.

    Args:
        observables: l_i(w) of the kept draws, shape (chain, draw, example), nats.
        on: l_j(w) of the influenced examples, shape (chain, draw, other example), nats; None takes the same examples.
    """
    own = _centered(np.asarray(observables, np.float64))
    other = own if on is None else _centered(np.asarray(on, np.float64))
    return _over_chains(-np.einsum("cdi,cdj->cij", own, other) / own.shape[1])


def mean_loss(observables: np.ndarray) -> Measured:
    """Mean loss of every probe example over the draws, shape (example,), nats.

    Args:
        observables: l_j(w) of the kept draws, shape (chain, draw, example), nats.
    """
    return _over_chains(np.asarray(observables, np.float64).mean(axis=1))


def observable_columns(kept: Draws, probe_sets: list[str], most_influences: int) -> dict[str, Any]:
    """Columns of a run's row for its probe examples: means, susceptibilities, influences and their standard errors.

    Args:
        kept: Draws of healthy chains, burn-in left out.
        probe_sets: Name of each example's probe set.
        most_influences: Largest number of examples with columns of influences, which grow with its square.
    """
    if not kept.num_chains or not kept.num_draws:
        return {}
    measured = {
        "probe_loss": mean_loss(kept.observables),
        "probe_susceptibility": susceptibility(kept.centered_loss, kept.observables),
    }
    if len(probe_sets) <= most_influences:
        measured["probe_influence"] = bayesian_influence(kept.observables)
    columns: dict[str, Any] = {"probe_set": probe_sets}
    for name, (value, standard_error) in measured.items():
        columns |= {name: _as_list(value), f"{name}_se": _as_list(standard_error)}
    return columns


def _as_list(values: np.ndarray) -> list[float]:
    """The values of an array as a column of the dataset holds them: a matrix row by row."""
    return np.asarray(values, np.float64).reshape(-1).tolist()


def _centered(series: np.ndarray) -> np.ndarray:
    """The series less its mean over all chains, so that chains of different means widen the standard error."""
    return series - series.mean(axis=(0, 1))


def _over_chains(of_chains: np.ndarray) -> Measured:
    num_chains = len(of_chains)
    if num_chains < 2:
        return Measured(of_chains.mean(axis=0), np.full(of_chains.shape[1:], np.nan))
    # The chains' own estimates share the pooled means, which costs one degree of freedom of all draws, not of chains.
    return Measured(of_chains.mean(axis=0), of_chains.std(axis=0, ddof=1) / np.sqrt(num_chains))
