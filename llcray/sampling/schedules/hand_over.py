"""The end of a run that another goes on from: the positions of its chains, and what the next run may rely on."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from llcray.llc.step_bias import Level, fit_line, loosened
from llcray.sampling.handover import Handover
from llcray.sampling.schedules.calibration import LARGEST_RATIO, Calibration, Stretch
from llcray.sampling.schedules.requests import MeasureDisplacement, Request, RunFacts, Sampled

UNKNOWN = 1e3
"""Standard deviation of a factor of which nothing is known."""
REFUTED = 3.0
"""Standard errors between the prediction of the bias and the levels' own slope, beyond which levels alone count."""
MOST_CHANGE = 2.0
"""Largest factor between h^2 of one run and of the next."""


class Learned(NamedTuple):
    """What a run has learned of its step-size bias.

    Attributes:
        level: Level of the production.
        heat_is_noise: Whether gradient noise predicts the bias, and not heat.
        largest_squared_step: Largest h^2 that a production may have.
        factor: c, by which the prediction is multiplied.
        factor_se: Standard error of c.
    """

    level: Level
    heat_is_noise: bool
    largest_squared_step: float
    factor: float
    factor_se: float


def hand_over(
    facts: RunFacts, calibration: Calibration, sampled: Sampled, learned: Learned
) -> Generator[Request, Any, Sampled]:
    """Adds to the result of a run what the next run may go on from; nothing where the result is not to be relied on."""
    if not _is_reliable(sampled) or learned.level.raw <= 0:
        return sampled
    displacement = yield MeasureDisplacement()
    handover = Handover(
        displacement=displacement,
        localization=facts.localization,
        squared_step=_next_squared_step(facts, calibration, learned),
        largest_squared_step=learned.largest_squared_step,
        batch_size=calibration.sampler.batch_size,
        gradient=calibration.sampler.gradient,
        heat_is_noise=learned.heat_is_noise,
        factor=learned.factor,
        factor_se=learned.factor_se,
    )
    return replace(sampled, handover=handover)


def hand_over_after_burn_in(
    facts: RunFacts, calibration: Calibration, sampled: Sampled, hot: Stretch, hot_squared_step: float
) -> Generator[Request, Any, Sampled]:
    """`hand_over`, for a run that began with a hot burn-in, whose level says what the factor c is.

    Args:
        facts: Facts of the run.
        calibration: The calibration, at its end.
        sampled: The result.
        hot: The burn-in.
        hot_squared_step: h^2 of the burn-in.
    """
    if facts.sampling.start != "previous" or not _is_reliable(sampled):
        return sampled
    kept = sampled.draws.after(sampled.num_warmup_draws)
    noise = (
        None if hot.noise is None else hot.noise * calibration.x / replace(calibration, squared_step=hot_squared_step).x
    )
    production = Stretch(facts.n_beta * kept.centered_loss, kept.heat, noise)
    largest = max(LARGEST_RATIO * hot_squared_step, calibration.squared_step)
    factor = factor_of(hot.level, production.level, hot.prior_sd)
    learned = Learned(production.level, hot.noise is not None, largest, *factor)
    return (yield from hand_over(facts, calibration, sampled, learned))


def _is_reliable(sampled: Sampled) -> bool:
    return bool(sampled.draws.healthy.all()) and not (sampled.restarts_exhausted or sampled.bias_is_inconsistent)


def factor_of(hot: Level, production: Level, prior_sd: float) -> tuple[float, float]:
    """The factor c of the predicted bias, with its standard error, from the levels at two steps.

    Args:
        hot: Level of the burn-in.
        production: Level of the production.
        prior_sd: Standard deviation of c where its mean is 1. A prior that the levels refute is left out.
    """
    levels = [loosened(hot), production]
    alone = fit_line(levels, UNKNOWN)
    is_refuted = abs(alone.factor - 1) > REFUTED * np.hypot(alone.factor_se, prior_sd)
    line = alone if is_refuted else fit_line(levels, prior_sd)
    return line.factor, line.factor_se


def _next_squared_step(facts: RunFacts, calibration: Calibration, learned: Learned) -> float:
    """h^2 at which the uncertainty of the bias is a third of the squared error asked for."""
    level = learned.level
    size, bias = max(level.raw - learned.factor * level.bias, 1.0), max(level.bias, level.bias_se)
    asked = facts.sampling.until.relative_mcse / np.sqrt(3)
    wanted = size * min(calibration.sampler.max_heat, asked / learned.factor_se)
    ratio = float(np.clip(wanted / max(bias, 1e-300), 1 / MOST_CHANGE, MOST_CHANGE))
    return min(ratio * calibration.squared_step, learned.largest_squared_step)
