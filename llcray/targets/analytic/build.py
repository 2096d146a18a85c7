"""Builds the targets whose losses are formulas. w* = 0 and L(w*) = 0."""

import numpy as np

from llcray.targets.analytic.even_powers import EvenPowersTarget
from llcray.targets.analytic.losses import EvenPowersLoss, MonomialLoss, QuadraticLoss
from llcray.targets.analytic.normal_crossing import NormalCrossingTarget
from llcray.targets.analytic.oracles import EvenPowersOracle, MonomialOracle, QuadraticOracle
from llcray.targets.analytic.quadratic import QuadraticTarget
from llcray.targets.random_streams import generator
from llcray.targets.target import Target, TargetFacts

AT_ZERO = TargetFacts(loss_at_center=0.0, gradient_norm_at_center=0.0)


def build_quadratic(spec: QuadraticTarget) -> Target:
    """See `QuadraticTarget`."""
    spectrum = spec.spectrum()
    noise = np.zeros((spec.num_data, 0))
    if spec.gradient_noise > 0:
        rng = generator("gradient_noise", spec.seed, spec.num_data, len(spectrum))
        noise = spec.gradient_noise * rng.standard_normal((spec.num_data, len(spectrum)))
        noise -= noise.mean(0)
    return Target(
        params={"w": np.zeros(len(spectrum))},
        loss_fn=QuadraticLoss(spectrum, spec.rotation_seed),
        data={"gradient_noise": noise},
        oracle=QuadraticOracle(spectrum),
        facts=AT_ZERO,
    )


def build_normal_crossing(spec: NormalCrossingTarget) -> Target:
    """See `NormalCrossingTarget`."""
    return Target(
        params={"w": np.zeros(len(spec.powers))},
        loss_fn=MonomialLoss(spec.powers),
        data={"example": np.zeros(spec.num_data)},
        oracle=MonomialOracle(spec.powers),
        facts=AT_ZERO,
    )


def build_even_powers(spec: EvenPowersTarget) -> Target:
    """See `EvenPowersTarget`."""
    return Target(
        params={"w": np.zeros(len(spec.powers))},
        loss_fn=EvenPowersLoss(spec.powers),
        data={"example": np.zeros(spec.num_data)},
        oracle=EvenPowersOracle(spec.powers),
        facts=AT_ZERO,
    )
