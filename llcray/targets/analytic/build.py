"""Builds the targets whose losses are formulas. w* = 0 and L(w*) = 0."""

import numpy as np

from llcray.targets.analytic.losses import EvenPowersLoss, MonomialLoss, QuadraticLoss
from llcray.targets.analytic.oracles import EvenPowersOracle, MonomialOracle, QuadraticOracle
from llcray.targets.random_streams import generator
from llcray.targets.target import Target, TargetFacts

AT_ZERO = TargetFacts(loss_at_center=0.0, gradient_norm_at_center=0.0)


def quadratic(
    spectrum: tuple[float, ...], rotation_seed: int | None, gradient_noise: float, num_data: int, seed: int
) -> Target:
    """A quadratic loss of given eigenvalues; the arguments are the fields of `QuadraticTarget`."""
    noise = np.zeros((num_data, 0))
    if gradient_noise > 0:
        rng = generator("gradient_noise", seed, num_data, len(spectrum))
        noise = gradient_noise * rng.standard_normal((num_data, len(spectrum)))
        noise -= noise.mean(0)
    return Target(
        params={"w": np.zeros(len(spectrum))},
        loss_fn=QuadraticLoss(spectrum, rotation_seed),
        data={"gradient_noise": noise},
        oracle=QuadraticOracle(spectrum),
        facts=AT_ZERO,
    )


def normal_crossing(powers: tuple[int, ...], num_data: int) -> Target:
    """The square of a monomial; the arguments are the fields of `NormalCrossingTarget`."""
    return Target(
        params={"w": np.zeros(len(powers))},
        loss_fn=MonomialLoss(powers),
        data={"example": np.zeros(num_data)},
        oracle=MonomialOracle(powers),
        facts=AT_ZERO,
    )


def even_powers(powers: tuple[int, ...], num_data: int) -> Target:
    """A sum of even powers; the arguments are the fields of `EvenPowersTarget`."""
    return Target(
        params={"w": np.zeros(len(powers))},
        loss_fn=EvenPowersLoss(powers),
        data={"example": np.zeros(num_data)},
        oracle=EvenPowersOracle(powers),
        facts=AT_ZERO,
    )
