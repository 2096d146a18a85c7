"""The hot part of a calibration: chains at the largest stable step, until their corrected mean stands still."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from llcray.llc.draws import Draws, concatenate
from llcray.llc.step_bias import SEEN_SHARE, Level
from llcray.llc.summary import standard_error
from llcray.llc.verdict import LOWER
from llcray.samplers.auto import Auto
from llcray.samplers.kernel import build_kernel
from llcray.sampling.gradient_noise import BATCH_GRADIENTS, seen_noise_gradients
from llcray.sampling.schedules.calibration import (
    LARGEST_RATIO,
    MAX_RESTARTS,
    PRODUCTION_BLOCKS,
    Calibration,
    Stretch,
    blew_up,
    choose_share,
    curvature_gradients,
    pays,
    restart,
    stretch_of,
)
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

FIRST_HOT_BLOCKS, MOST_HOT_BLOCKS, HOT_BUDGET = 3, 64, 0.35
# The step follows the curvature met on the chain where that asks for less than this share of it.
TOO_STEEP = 0.7
# Control variates cost two gradients instead of one.
WORTHWHILE_NOISE = 0.5
STANDS_STILL = 0.01
NOISY_HEAT = 2.0
"""Heat is not used where its error is this many times the error asked for."""
MOST_HEAT = 0.7
"""Nor where it would be a larger share of n beta (L - L*), since it then lies where the loss is flat."""
MOST_HELD = 0.05
"""Nor where gamma is a larger share of the steepest curvature."""
SMALLER_BATCH, SMALLEST_BATCH = 4, 8
"""The factor by which batches shrink where gradient noise is cheap, and the fewest examples of a batch."""
ESCAPED, ESCAPED_BLOCKS = 3.0, 6
"""Standard errors by which chains that have found a way down lie below w*, and the blocks before that is said."""
MOST_SHARE = 2.0
"""Largest bias after that, as a multiple of the one that still allows the largest step of a production."""


def find_step(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, Draws]:
    """Samples until the step is stable at the curvature met on the chain; returns the block at that step."""
    while True:
        block: Draws = yield _hot_block(facts, calibration)
        cost = calibration.count(block)
        out_of_budget = calibration.num_gradients + cost > HOT_BUDGET * facts.sampling.budget.num_gradients
        if blew_up(block, facts):
            if calibration.num_restarts == MAX_RESTARTS or out_of_budget:
                return block
            yield restart(facts, calibration, "restart: the burn-in blew up")
            continue
        if out_of_budget or not curvature_gradients(facts):
            return block
        curvature = float(np.percentile((yield MeasureCurvature()), 75))
        calibration.num_gradients += curvature_gradients(facts)
        steepest = max(curvature, 0.1 * facts.curvature) + calibration.localization
        wanted = calibration.sampler.curvature_share / steepest
        if wanted >= TOO_STEEP * calibration.squared_step:
            return block
        calibration.squared_step = wanted
        calibration.record("steeper on the chain", curvature=curvature)


def choose_batch_size(facts: RunFacts, calibration: Calibration, block: Draws) -> Generator[Request, Any, RunFacts]:
    """Takes smaller batches where the bias at the largest stable step is smaller than the production's may be.

    Where the bias limits the step, relaxation per unit of work does not depend on the batch size: both are in
    proportion to it. Where stability limits the step, smaller batches are cheaper steps of the same length. Where heat
    is noise, the noise of gradients predicts the bias. Chains that have just left a w* without residuals are not hot
    yet: the bias counts with twice its error.
    """
    sampler, stretch = calibration.sampler, stretch_of(block, facts)
    batch_size = calibration.batch_size(facts.num_data)
    smaller = max(SMALLEST_BATCH, batch_size // SMALLER_BATCH)
    if sampler.batch_size is not None or smaller >= batch_size or not block.healthy.all():
        return facts
    if _is_noisy(stretch, facts):
        if not pays(facts, calibration, 2 * noise_gradients(facts, calibration), 1 + PRODUCTION_BLOCKS):
            return facts
        stretch = replace(stretch, noise=(yield from measure_noise(facts, calibration)))
    level = stretch.level
    upper = level._replace(bias=level.bias + 2 * level.bias_se)
    share = share_of_smaller_batches(upper, batch_size / smaller)
    if share > MOST_SHARE * choose_share(stretch, facts, calibration) / LARGEST_RATIO:
        return facts
    calibration.record("smaller batches", batch_size=smaller, bias=level.bias, bias_se=level.bias_se)
    return (yield from _change(facts, calibration, sampler.model_copy(update={"batch_size": smaller})))


def share_of_smaller_batches(level: Level, factor: float) -> float:
    """Returns the bias with batches smaller by a factor, as a share of the LLC; infinite where chains would run away.

    Gradient noise grows with the loss. Where the bias is a share f of raw, with batches smaller by a factor s it is

        s f/(1 - s f)    of the LLC.

    Args:
        level: The level with batches as they are.
        factor: s.
    """
    share = factor * level.bias / max(level.raw, 1.0)
    return share / (1 - share) if share < 1 else float("inf")


def burn_in(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, Stretch]:
    """Samples at the largest stable step until the corrected mean stands still."""
    blocks: list[Draws] = []
    while True:
        block: Draws = yield _hot_block(facts, calibration)
        cost = calibration.count(block)
        blocks.append(block)
        out_of_budget = calibration.num_gradients + cost > HOT_BUDGET * facts.sampling.budget.num_gradients
        if blew_up(block, facts) and calibration.num_restarts < MAX_RESTARTS and not out_of_budget:
            yield restart(facts, calibration, "restart: the burn-in blew up")
            blocks = []
            continue
        draws = concatenate(blocks)
        if len(blocks) >= FIRST_HOT_BLOCKS and stands_still(draws, facts):
            break
        if not block.healthy.all() or out_of_budget or len(blocks) >= MOST_HOT_BLOCKS:
            break
        if len(blocks) >= ESCAPED_BLOCKS and has_escaped(stretch_of(draws, facts).level):
            break
    hot = stretch_of(draws, facts)
    numbers = {"heat": hot.heat.mean(), "heat_se": standard_error(hot.heat)}
    level, num_draws = hot.level, calibration.block_draws * len(blocks)
    calibration.record("burn-in", num_draws=num_draws, raw=level.raw, raw_se=level.raw_se, **numbers)
    return hot


def has_escaped(level: Level) -> bool:
    """Whether the mean loss of the draws is lower than that at w*, heat and all: w* is no minimum."""
    return level.raw < -max(ESCAPED * level.raw_se, LOWER)


def _hot_block(facts: RunFacts, calibration: Calibration) -> Advance:
    hyper = calibration.hyper(facts.sampling.num_chains)
    return Advance(calibration.block_draws, choose_steps_per_draw(facts), hyper, "calibrating")


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
    batch_size = sampler.examples_per_gradient
    cost = num_chains * BATCH_GRADIENTS * min(1.0, batch_size / facts.num_data)
    # Gradients of twice the work, with a burn-in of their own.
    is_affordable = pays(facts, calibration, cost, 2 * (2 + PRODUCTION_BLOCKS))
    if level.bias <= sampler.max_heat * max(level.raw - level.bias, 1.0) or not is_affordable:
        calibration.sampler = sampler.model_copy(update={"gradient": "minibatch"})
        return replace(facts, sampler=calibration.sampler)
    noise = np.mean((yield MeasureNoise(batch_size)), axis=0)
    calibration.num_gradients += cost
    left = float(noise[1] / noise[0]) if noise[0] else 1.0  # full gradients have no noise
    gradient = "control_variate" if left < WORTHWHILE_NOISE else "minibatch"
    calibration.record(f"gradient: {gradient}", control_variate_noise=left)
    chosen = sampler.model_copy(update={"gradient": gradient})
    if gradient == "minibatch":
        calibration.sampler = chosen
        return replace(facts, sampler=chosen)
    return (yield from _change(facts, calibration, chosen))


def _change(facts: RunFacts, calibration: Calibration, sampler: Auto) -> Generator[Request, Any, RunFacts]:
    """Goes on with other gradients: all chains start again."""
    calibration.sampler = sampler
    facts = replace(facts, sampler=sampler, kernel=build_kernel(sampler))
    yield Start(calibration.localization, calibration.hyper(facts.sampling.num_chains), facts.kernel)
    return facts


def heat_misleads(hot: Stretch, facts: RunFacts, calibration: Calibration) -> bool:
    """Returns whether the heat does not predict the bias.

    It is noise, or more of it than the loss can hold, or gamma is large beside the steepest curvature c/h^2: then most
    directions are held by the localization, and the loss sees less of their heat than it does elsewhere.
    """
    is_held = facts.localization * calibration.squared_step > MOST_HELD * calibration.sampler.curvature_share
    return is_held or _is_noisy(hot, facts) or hot.level.bias > MOST_HEAT * hot.level.raw


def _is_noisy(hot: Stretch, facts: RunFacts) -> bool:
    """Whether the error of the measured heat is far above the error asked for, and above that of raw."""
    level = hot.level
    allowed = facts.sampling.until.relative_mcse * max(level.raw, 1.0)
    return level.bias_se > max(NOISY_HEAT * allowed, level.raw_se)


def measure_noise(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, np.ndarray]:
    """Predicts the bias from the gradient noise that the loss sees where the chains are, shape (chain,), nats."""
    bias, _ = yield from _measure_noise(facts, calibration)
    return bias


def measure_share(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, float]:
    """Measures the share of the gradient noise, and so of the heat, that the loss sees where the chains are."""
    _, seen_share = yield from _measure_noise(facts, calibration)
    return seen_share


def noise_gradients(facts: RunFacts, calibration: Calibration) -> float:
    """Returns the cost of measuring the gradient noise at all chains."""
    return facts.sampling.num_chains * seen_noise_gradients(facts.num_data, calibration.batch_size(facts.num_data))


def _measure_noise(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, tuple[np.ndarray, float]]:
    noise = yield MeasureSeenNoise(calibration.batch_size(facts.num_data), calibration.uses_control_variates)
    calibration.num_gradients += noise_gradients(facts, calibration)
    total, seen = noise.mean(axis=0)
    bias, seen_share = calibration.x * noise[:, 1], float(seen / total) if total else 0.0
    calibration.record("gradient noise", seen_share=seen_share, bias=bias.mean())
    return bias, seen_share
