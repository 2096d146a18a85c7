"""The measurement of the coordinates in which chains have a mass that was asked for."""

from collections.abc import Generator
from typing import Any

import numpy as np

from llcray.posterior.coordinates import Coordinates
from llcray.samplers.baoab import Mass
from llcray.sampling.mass import blocks_with_factors, coordinates_of
from llcray.sampling.schedules.requests import MeasureGradients, Request, RunFacts

NUM_SAMPLES, STEPS_BETWEEN = 128, 3
"""Gradients of a chain that a mass is made of, and steps from one to the next."""


def measure_coordinates(
    facts: RunFacts, mass: Mass, batch_size: int, num_samples: int = NUM_SAMPLES, num_before: int = 0
) -> Generator[Request, Any, tuple[Coordinates, float]]:
    """Measures the coordinates in which the chains have this mass.

    Args:
        facts: Facts of the run.
        mass: Form of the mass.
        batch_size: Examples per gradient.
        num_samples: Gradients of a chain.
        num_before: Steps of a chain before its first gradient.

    Returns:
        The coordinates, those of the unit mass where no chain is finite, and the full-data-equivalent gradients.
    """
    factored = blocks_with_factors(mass, facts.blocks)
    moments = yield MeasureGradients(num_samples, STEPS_BETWEEN, num_before, batch_size, factored)
    finite = moments[np.isfinite(moments).all(axis=1)]
    mean = finite.mean(axis=0) if len(finite) else np.zeros(moments.shape[1])
    coordinates = coordinates_of(mass, mean, facts.blocks, facts.localization)
    return coordinates, measurement_gradients(facts, batch_size, num_samples, num_before)


def measurement_gradients(
    facts: RunFacts, batch_size: int, num_samples: int = NUM_SAMPLES, num_before: int = 0
) -> float:
    """Returns the cost of `measure_coordinates`."""
    per_step, share = facts.sampler.gradients_per_step(facts.num_data), min(1.0, batch_size / facts.num_data)
    num_steps = num_before + num_samples * STEPS_BETWEEN
    return facts.sampling.num_chains * (num_steps * per_step + num_samples * share)
