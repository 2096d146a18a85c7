"""Draws: the series that sampling hands to estimation, one number per chain and draw of each quantity. NumPy only."""

from typing import Any, NamedTuple

import numpy as np


class Draws(NamedTuple):
    """Arrays of shape (chain, draw); NaN where the sampler has no such quantity.

    Attributes:
        centered_loss: L_n(w) - L_n(w*) over the full data, nats.
        squared_distance: |w - w*|^2 over the sampled coordinates.
        acceptance_rate: Mean Metropolis acceptance probability since the last draw.
        energy: Mean Hamiltonian since the last draw, nats.
        energy_change: Root mean square energy error of a step since the last draw, nats.
        heat: Mean predicted bias of n beta (L - L*) through discretisation and gradient noise, nats.
        virial: Mean of (w - w*)'grad U since the last draw, U = -log p; see `llcray.llc.virial`.
        num_gradients: Work since the last draw, full-data equivalents, loss evaluation included.
        num_divergent: Steps since the last draw that left the stable region.
        projection: Random projection of w - w*, shape (chain, draw, projection dimension); the dimension may be 0.
        observables: Losses of the probe examples, shape (chain, draw, example), nats; there may be 0.
        log_weight: Log of the posterior's over the proposal's density, up to a constant of the run, nats; NaN for
            draws of Markov chains, whose weights are equal.
        log_volumes: Log of a ray's volume below each epsilon of a ladder, shape (chain, draw, rung); there may be 0.
    """

    centered_loss: Any
    squared_distance: Any
    acceptance_rate: Any
    energy: Any
    energy_change: Any
    heat: Any
    virial: Any
    num_gradients: Any
    num_divergent: Any
    projection: Any
    observables: Any
    log_weight: Any
    log_volumes: Any

    @property
    def num_chains(self) -> int:
        """Number of chains."""
        return self.centered_loss.shape[0]

    @property
    def num_draws(self) -> int:
        """Number of draws of a chain."""
        return self.centered_loss.shape[1]

    def after(self, num_discarded: int) -> "Draws":
        """The draws without the first `num_discarded` of each chain."""
        return Draws(*(field[:, num_discarded:] for field in self))

    def of_chains(self, chains: Any) -> "Draws":
        """The draws of the chains that a boolean mask or an index array selects."""
        return Draws(*(field[chains] for field in self))

    @property
    def mean_loss(self) -> float:
        """The mean of L - L* over the finite draws, by their weights where they have any, nats; NaN if none is."""
        loss, log_weight = np.ravel(self.centered_loss), np.nan_to_num(np.ravel(self.log_weight), neginf=-np.inf)
        is_finite = np.isfinite(loss) & np.isfinite(log_weight)
        if not is_finite.any():
            return float("nan")
        weight = np.exp(log_weight[is_finite] - log_weight[is_finite].max())
        return float(np.average(loss[is_finite], weights=weight))

    @property
    def healthy(self) -> np.ndarray:
        """Whether each chain stayed finite throughout, shape (chain,)."""
        return np.isfinite(self.centered_loss).all(axis=1) & np.isfinite(self.squared_distance).all(axis=1)


def concatenate(blocks: list[Draws]) -> Draws:
    """The draws of blocks that follow one another in time."""
    return Draws(*(np.concatenate(fields, axis=1) for fields in zip(*blocks, strict=True)))
