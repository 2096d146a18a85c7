"""The mass of the chains of a calibrated run: measured once where the burn-in has led them, and kept."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from llcray.sampling.schedules.calibration import Calibration, curvature_gradients
from llcray.sampling.schedules.measured_mass import measure_coordinates, measurement_gradients
from llcray.sampling.schedules.requests import MeasureCurvature, MeasureDisplacement, Request, RunFacts, Start

MASS_BUDGET = 0.35
"""Share of the budget that is spent at most once a mass is measured."""


def enter_mass(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, RunFacts]:
    """Gives the chains of a calibrated run their mass, and the largest stable step in the coordinates that it makes.

    The chains stay where they are. Where the budget does not pay the measurement, they keep the unit mass.
    """
    mass, batch_size = calibration.sampler.mass, calibration.batch_size(facts.num_data)
    assert mass != "auto"
    of_curvature = curvature_gradients(facts)
    cost = measurement_gradients(facts, batch_size) + of_curvature
    if not of_curvature or calibration.num_gradients + cost > MASS_BUDGET * facts.sampling.budget.num_gradients:
        calibration.record("no mass: the budget does not pay it")
        return facts
    coordinates, spent = yield from measure_coordinates(facts, mass, batch_size)
    displacement = yield MeasureDisplacement()
    hyper = calibration.hyper(facts.sampling.num_chains)
    yield Start(facts.localization, hyper, displacement=displacement, coordinates=coordinates)
    curvature = float(np.percentile((yield MeasureCurvature()), 75))
    calibration.num_gradients += spent + of_curvature
    calibration.squared_step = calibration.sampler.curvature_share / (curvature + facts.localization)
    calibration.record(f"mass: {mass}", curvature=curvature, least_scale=float(coordinates.scale.min()))
    return replace(facts, curvature=curvature)
