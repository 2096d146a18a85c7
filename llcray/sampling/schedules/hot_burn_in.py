"""The hot part of a calibration: chains at the largest stable step, until their corrected mean stands still."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from llcray.llc.draws import Draws, concatenate
from llcray.llc.step_bias import SEEN_SHARE
from llcray.llc.summary import standard_error
from llcray.samplers.kernel import build_kernel
from llcray.sampling.curvature import CURVATURE_GRADIENTS
from llcray.sampling.gradient_noise import BATCH_GRADIENTS, seen_noise_gradients
from llcray.sampling.schedules.calibration import MAX_RESTARTS, Calibration, Stretch, blew_up, restart, stretch_of
from llcray.sampling.schedules.hand_set import choose_steps_per_draw
from llcray.sampling.schedules.requests import (
    Advance,
    MeasureCurvature,
    MeasureNoise,
    MeasureSeenNoise,
    Request,
    RunFacts,
    Start,
)

BLOCK_DRAWS, FIRST_BLOCKS = 32, 4
MOST_HOT_BLOCKS, HOT_BUDGET = 64, 0.35
# The step follows the curvature met on the chain where that asks for less than this share of it.
TOO_STEEP = 0.7
# Control variates cost two gradients instead of one.
WORTHWHILE_NOISE = 0.5
STANDS_STILL = 0.01
NOISY_HEAT = 2.0
"""Heat is not used where its error is this many times the error asked for."""


def burn_in(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, Stretch]:
    """Samples at the largest stable step until the corrected mean stands still."""
    num_chains, steps_per_draw = facts.sampling.num_chains, choose_steps_per_draw(facts)
    blocks: list[Draws] = []
    while True:
        block: Draws = yield Advance(BLOCK_DRAWS, steps_per_draw, calibration.hyper(num_chains), "calibrating")
        calibration.count(block)
        blocks.append(block)
        if blew_up(block, facts):
            if calibration.num_restarts == MAX_RESTARTS:
                return stretch_of(blocks, facts)
            yield restart(facts, calibration, "restart: the burn-in blew up")
            blocks = []
            continue
        if len(blocks) == 1:
            curvature = float(np.percentile((yield MeasureCurvature()), 75))
            calibration.num_gradients += num_chains * CURVATURE_GRADIENTS
            steepest = max(curvature, 0.1 * facts.curvature) + calibration.localization
            wanted = calibration.sampler.curvature_share / steepest
            if wanted < TOO_STEEP * calibration.squared_step:
                calibration.squared_step = wanted
                calibration.record("steeper on the chain", curvature=curvature)
                blocks = []
                continue
        out_of_budget = calibration.num_gradients > HOT_BUDGET * facts.sampling.budget.num_gradients
        if len(blocks) >= FIRST_BLOCKS and len(blocks) % 2 == 0 and stands_still(concatenate(blocks), facts):
            break
        if len(blocks) >= FIRST_BLOCKS and (out_of_budget or len(blocks) >= MOST_HOT_BLOCKS):
            break
    hot = stretch_of(blocks, facts)
    numbers = {"heat": hot.heat.mean(), "heat_se": standard_error(hot.heat)}
    level = hot.level
    calibration.record("burn-in", num_draws=BLOCK_DRAWS * len(blocks), raw=level.raw, raw_se=level.raw_se, **numbers)
    return hot


def stands_still(draws: Draws, facts: RunFacts) -> bool:
    """Whether the mean of the second quarter is that of the last half, within two standard errors or a percent."""
    raw, heat = facts.n_beta * draws.centered_loss, draws.heat
    informative = standard_error(heat) < standard_error(raw) or standard_error(heat) < STANDS_STILL * abs(raw.mean())
    series = raw - SEEN_SHARE * heat if informative else raw
    quarter = draws.num_draws // 4
    early, late = series[:, quarter : 2 * quarter].mean(axis=1), series[:, 2 * quarter :].mean(axis=1)
    error = np.hypot(early.std(ddof=1), late.std(ddof=1)) / np.sqrt(len(early)) if len(early) > 1 else 0.0
    return bool(abs(late.mean() - early.mean()) <= max(2 * error, STANDS_STILL * abs(late.mean())))


def choose_gradient(facts: RunFacts, calibration: Calibration, hot: Stretch) -> Generator[Request, Any, RunFacts]:
    """Chooses control variates where bias limits the step and their lower noise repays twice the work."""
    sampler, num_chains = calibration.sampler, facts.sampling.num_chains
    if sampler.gradient != "auto":
        return facts
    level = hot.level
    if level.bias <= sampler.max_heat * max(level.raw - level.bias, 1.0):
        calibration.sampler = sampler.model_copy(update={"gradient": "minibatch"})
        return replace(facts, sampler=calibration.sampler)
    batch_size = sampler.examples_per_gradient
    noise = np.mean((yield MeasureNoise(batch_size)), axis=0)
    calibration.num_gradients += num_chains * BATCH_GRADIENTS * min(1.0, batch_size / facts.num_data)
    left = float(noise[1] / noise[0]) if noise[0] else 1.0  # full gradients have no noise
    gradient = "control_variate" if left < WORTHWHILE_NOISE else "minibatch"
    calibration.record(f"gradient: {gradient}", control_variate_noise=left)
    calibration.sampler = chosen = sampler.model_copy(update={"gradient": gradient})
    if gradient == "minibatch":
        return replace(facts, sampler=chosen)
    facts = replace(facts, sampler=chosen, kernel=build_kernel(chosen))
    yield Start(calibration.localization, calibration.hyper(num_chains), facts.kernel)
    return facts


def heat_is_noise(hot: Stretch, facts: RunFacts) -> bool:
    """Whether the error of the measured heat is far above the error asked for, and above that of raw."""
    level = hot.level
    allowed = facts.sampling.until.relative_mcse * max(level.raw, 1.0)
    return level.bias_se > max(NOISY_HEAT * allowed, level.raw_se)


def measure_noise(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, np.ndarray]:
    """Predicts the bias from the gradient noise that the loss sees where the chains are, shape (chain,), nats."""
    batch_size = min(calibration.sampler.examples_per_gradient, facts.num_data)
    noise = yield MeasureSeenNoise(batch_size, calibration.uses_control_variates)
    calibration.num_gradients += len(noise) * seen_noise_gradients(facts.num_data, batch_size)
    total, seen = noise.mean(axis=0)
    bias = calibration.x * noise[:, 1]
    calibration.record("gradient noise", seen_share=seen / total if total else 0.0, bias=bias.mean())
    return bias
