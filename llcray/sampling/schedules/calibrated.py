"""The schedule of `kind: auto`: burns in hot, then samples at the step whose bias can be subtracted to what was asked.

1. gamma is a few thousandths of the largest curvature of n beta L_n near w* (see `llcray.posterior.density`).
2. Hot burn-in at the largest stable step, which follows the curvature met *on the chain*. Slow directions relax at a
   rate in proportion to the step's bias, so hot chains arrive where cold ones crawl. Burn-in ends when the corrected
   mean stands still. After a block that blows up, the chains start again with a quarter of h^2.
3. The bias is predicted from heat, or from the noise of gradients where heat is noise itself, and the prediction is
   corrected by the level of the hot chains beside that of the production (`llcray.llc.step_bias`).
4. Production takes the step whose bias is so large a share of the LLC that its uncertainty is part of the error asked
   for. The number of draws doubles until the criteria hold and the estimate stands still, or the budget ends. Where the
   two levels and the prediction disagree, the step shrinks.

Every decision is recorded, with the numbers it rests on.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from llcray.llc.draws import Draws, concatenate
from llcray.llc.step_bias import (
    HEAT_PRIOR,
    NOISE_PRIOR,
    SEEN_SHARE,
    Level,
    PredictedBias,
    disagreement,
    fit_line,
)
from llcray.llc.summary import corrected_summary, spread_of_chains, standard_error, summarize
from llcray.samplers.auto import Auto
from llcray.samplers.kernel import Hyper, build_kernel
from llcray.sampling.curvature import CURVATURE_GRADIENTS, SCALE_GRADIENTS
from llcray.sampling.gradient_noise import BATCH_GRADIENTS, seen_noise_gradients
from llcray.sampling.schedules.hand_set import choose_steps_per_draw
from llcray.sampling.schedules.requests import (
    Advance,
    MeasureCurvature,
    MeasureNoise,
    MeasureSeenNoise,
    Request,
    RunFacts,
    Sampled,
    Schedule,
    Start,
)

MIN_DAMPING, MAX_DAMPING = 0.05, 0.3
BLOCK_DRAWS, FIRST_BLOCKS = 32, 4
MOST_HOT_BLOCKS, HOT_BUDGET = 64, 0.35
MAX_RESTARTS, SHRINK = 6, 0.25
# The step follows the curvature met on the chain where that asks for less than this share of it.
TOO_STEEP = 0.7
# Control variates cost two gradients instead of one.
WORTHWHILE_NOISE = 0.5
SMALLEST_RATIO, LARGEST_RATIO = 0.02, 0.25
"""Bounds of h^2 of the production over that of the burn-in: far enough apart for a second level."""
STANDS_STILL = 0.01
NONLINEARITY = 0.05
"""What the level of hot chains may be off the line by, as a share of their bias."""
NOISY_HEAT = 2.0
"""Heat is not used where its error is this many times the error asked for."""
DISAGREES, MOST_SHRINKS = 3.0, 2
BURN_IN_SHARE = 4
"""The first quarter of each stretch is not kept."""


@dataclass
class Calibration:
    """The state of a calibration: the numbers in force, the work so far, and the decisions.

    Attributes:
        sampler: The sampler, with the gradient chosen by now.
        squared_step: h^2.
        localization: gamma.
        num_gradients: Work of all chains.
        num_restarts: Restarts after a block blew up.
        decisions: Decisions with the numbers they rest on, in order; JSON-ready.
    """

    sampler: Auto
    squared_step: float
    localization: float
    num_gradients: float = 0.0
    num_restarts: int = 0
    decisions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def damping(self) -> float:
        """The damping alpha that is critical for the flattest direction, within bounds."""
        return float(np.clip(2 * np.sqrt(self.squared_step * self.localization), MIN_DAMPING, MAX_DAMPING))

    @property
    def x(self) -> float:
        """h^2/(4 alpha), in which the step-size bias is a line."""
        return self.squared_step / (4 * self.damping)

    @property
    def uses_control_variates(self) -> bool:
        """Whether gradients have control variates."""
        return self.sampler.gradient == "control_variate"

    def hyper(self, num_chains: int) -> Hyper:
        """Returns the kernel's numbers, one per chain."""
        step_size = np.sqrt(self.squared_step)
        return {"step_size": np.full(num_chains, step_size), "damping": np.full(num_chains, self.damping)}

    def count(self, draws: Draws) -> float:
        """Adds the work of a block, and returns it."""
        work = float(np.nansum(draws.num_gradients))
        self.num_gradients += work
        return work

    def record(self, action: str, **numbers: float) -> None:
        """Adds a decision to the record."""
        rounded = {name: float(f"{number:.4g}") for name, number in numbers.items() if np.isfinite(number)}
        self.decisions.append({"action": action, **rounded, "step_size": float(f"{np.sqrt(self.squared_step):.4g}")})


@dataclass(frozen=True)
class Stretch:
    """Draws at one step, without their burn-in.

    Attributes:
        raw: n beta (L - L*), shape (chain, draw), nats.
        heat: Heat, same shape, nats.
        noise: Predictions of the bias from gradient noise at positions of the chains, shape (chain,), nats; None where
            heat predicts the bias.
    """

    raw: np.ndarray
    heat: np.ndarray
    noise: np.ndarray | None = None

    @property
    def level(self) -> Level:
        """The mean of raw and the predicted bias, with their errors."""
        if self.noise is None:
            # Momenta that discretisation cools leave positions exact (Leimkuhler & Matthews 2013): no bias below zero.
            bias, bias_se = SEEN_SHARE * max(self.heat.mean(), 0.0), SEEN_SHARE * standard_error(self.heat)
        else:
            bias, bias_se = self.noise.mean(), spread_of_chains(self.noise[:, None])
        return Level(float(self.raw.mean()), _standard_error(self.raw), float(bias), float(bias_se))

    @property
    def prior_sd(self) -> float:
        """The uncertainty of the prediction before a second step was sampled, as a share of it."""
        return HEAT_PRIOR if self.noise is None else NOISE_PRIOR

    def bias_of_draws(self, factor: float) -> np.ndarray:
        """The predicted bias of each draw, times a factor."""
        if self.noise is None:
            return factor * SEEN_SHARE * self.heat
        return np.full(self.raw.shape, factor * self.noise.mean())


def calibrated(facts: RunFacts, sampler: Auto) -> Schedule:
    """Calibrates and samples one run.

    Args:
        facts: Facts of the run.
        sampler: The run's sampler, with the bounds on bias and curvature to keep to.
    """
    localization = facts.localization
    squared_step = sampler.curvature_share / (facts.curvature + localization)
    calibration = Calibration(sampler, squared_step, localization, SCALE_GRADIENTS)
    calibration.record("start", curvature=facts.curvature, localization=localization, damping=calibration.damping)
    yield Start(localization, calibration.hyper(facts.sampling.num_chains), facts.kernel)
    hot = yield from _burn_in(facts, calibration)
    kernel = facts.kernel
    facts = yield from _choose_gradient(facts, calibration, hot)
    if facts.kernel is not kernel:
        hot = yield from _burn_in(facts, calibration)
    if _heat_is_noise(hot, facts):
        hot = replace(hot, noise=(yield from _measure_noise(facts, calibration)))
    _choose_step(facts, calibration, hot)
    return (yield from _produce(facts, calibration, hot))


def _burn_in(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, Stretch]:
    """Samples at the largest stable step until the corrected mean stands still."""
    num_chains, steps_per_draw = facts.sampling.num_chains, choose_steps_per_draw(facts)
    blocks: list[Draws] = []
    while True:
        block: Draws = yield Advance(BLOCK_DRAWS, steps_per_draw, calibration.hyper(num_chains), "calibrating")
        calibration.count(block)
        blocks.append(block)
        if _blew_up(block, facts):
            if calibration.num_restarts == MAX_RESTARTS:
                return _stretch(blocks, facts)
            yield _restart(facts, calibration, "restart: the burn-in blew up")
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
        if len(blocks) >= FIRST_BLOCKS and len(blocks) % 2 == 0 and _stands_still(concatenate(blocks), facts):
            break
        if len(blocks) >= FIRST_BLOCKS and (out_of_budget or len(blocks) >= MOST_HOT_BLOCKS):
            break
    hot = _stretch(blocks, facts)
    numbers = {"heat": hot.heat.mean(), "heat_se": standard_error(hot.heat)}
    level = hot.level
    calibration.record("burn-in", num_draws=BLOCK_DRAWS * len(blocks), raw=level.raw, raw_se=level.raw_se, **numbers)
    return hot


def _stands_still(draws: Draws, facts: RunFacts) -> bool:
    """Whether the mean of the second quarter is that of the last half, within two standard errors or a percent."""
    raw, heat = facts.n_beta * draws.centered_loss, draws.heat
    informative = standard_error(heat) < standard_error(raw) or standard_error(heat) < STANDS_STILL * abs(raw.mean())
    series = raw - SEEN_SHARE * heat if informative else raw
    quarter = draws.num_draws // 4
    early, late = series[:, quarter : 2 * quarter].mean(axis=1), series[:, 2 * quarter :].mean(axis=1)
    error = np.hypot(early.std(ddof=1), late.std(ddof=1)) / np.sqrt(len(early)) if len(early) > 1 else 0.0
    return bool(abs(late.mean() - early.mean()) <= max(2 * error, STANDS_STILL * abs(late.mean())))


def _choose_gradient(facts: RunFacts, calibration: Calibration, hot: Stretch) -> Generator[Request, Any, RunFacts]:
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
    left = float(noise[1] / noise[0])
    gradient = "control_variate" if left < WORTHWHILE_NOISE else "minibatch"
    calibration.record(f"gradient: {gradient}", control_variate_noise=left)
    calibration.sampler = chosen = sampler.model_copy(update={"gradient": gradient})
    if gradient == "minibatch":
        return replace(facts, sampler=chosen)
    facts = replace(facts, sampler=chosen, kernel=build_kernel(chosen))
    yield Start(calibration.localization, calibration.hyper(num_chains), facts.kernel)
    return facts


def _heat_is_noise(hot: Stretch, facts: RunFacts) -> bool:
    """Whether the error of the measured heat is far above the error asked for, and above that of raw."""
    level = hot.level
    allowed = facts.sampling.until.relative_mcse * max(level.raw, 1.0)
    return level.bias_se > max(NOISY_HEAT * allowed, level.raw_se)


def _measure_noise(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, np.ndarray]:
    """Predicts the bias from the gradient noise that the loss sees where the chains are, shape (chain,), nats."""
    batch_size = min(calibration.sampler.examples_per_gradient, facts.num_data)
    noise = yield MeasureSeenNoise(batch_size, calibration.uses_control_variates)
    calibration.num_gradients += len(noise) * seen_noise_gradients(facts.num_data, batch_size)
    total, seen = noise.mean(axis=0)
    bias = calibration.x * noise[:, 1]
    calibration.record("gradient noise", seen_share=seen / total if total else 0.0, bias=bias.mean())
    return bias


def _choose_step(facts: RunFacts, calibration: Calibration, hot: Stretch) -> None:
    """Takes the step whose bias is so large that its uncertainty is a third of the squared error asked for.

    Work in proportion to 1/(x (T^2 - c^2 x^2)), T the error asked for and c x what is uncertain of the bias, is least
    where c x = T/sqrt(3).
    """
    level = hot.level
    share = min(calibration.sampler.max_heat, facts.sampling.until.relative_mcse / (np.sqrt(3) * hot.prior_sd))
    ratio = share * max(level.raw - level.bias, 1.0) / max(level.bias, 1e-300)
    calibration.squared_step *= float(np.clip(ratio, SMALLEST_RATIO, LARGEST_RATIO))
    calibration.record("step", bias=level.bias, share=share)


def _produce(facts: RunFacts, calibration: Calibration, hot: Stretch) -> Generator[Request, Any, Sampled]:
    num_chains, steps_per_draw = facts.sampling.num_chains, choose_steps_per_draw(facts)
    budget, until = facts.sampling.budget, facts.sampling.until
    other, num_shrinks, noise = _loosened(hot.level), 0, None
    blocks: list[Draws] = []
    goal, (previous, previous_se, *_) = FIRST_BLOCKS, fit_line([other], hot.prior_sd)
    while True:
        out_of_budget = False
        while len(blocks) < goal and not out_of_budget:
            blocks.append((yield Advance(BLOCK_DRAWS, steps_per_draw, calibration.hyper(num_chains))))
            out_of_budget = calibration.count(blocks[-1]) + calibration.num_gradients > budget.num_gradients
            if _blew_up(blocks[-1], facts) and calibration.num_restarts < MAX_RESTARTS and not out_of_budget:
                yield _restart(facts, calibration, "restart: a block blew up")
                blocks, goal, noise = [], FIRST_BLOCKS, None
        draws = concatenate(blocks)
        if not draws.healthy.all():
            return _sampled(draws, None, steps_per_draw, calibration, is_consistent=True)
        if hot.noise is not None and noise is None:
            noise = yield from _measure_noise(facts, calibration)
        stretch = replace(_stretch(blocks, facts), noise=noise)
        level = stretch.level
        line = fit_line([other, level], hot.prior_sd)
        apart = disagreement(other, level, hot.prior_sd)
        factor = line.factor if level.bias > 0 else 0.0
        summary = corrected_summary(stretch.raw, stretch.bias_of_draws(factor))
        llc, error = summary.mean, max(line.se, summary.mcse)
        calibration.record(
            "doubling",
            num_draws=draws.num_draws,
            llc=llc,
            llc_se=error,
            mcse=summary.mcse,
            rhat=summary.rhat,
            raw=level.raw,
            heat=stretch.heat.mean(),
            bias=line.factor * level.bias,
            factor=line.factor,
            factor_se=line.factor_se,
            levels_apart=apart,
        )
        allowed = until.relative_mcse * abs(llc)
        is_last = out_of_budget or 2 * draws.num_draws > budget.num_draws
        stands_still = abs(llc - previous) <= max(allowed, 2 * max(error, previous_se))
        is_good = error <= allowed and summary.rhat <= until.rhat and stands_still
        previous, previous_se = llc, error
        disagrees = abs(apart) > DISAGREES and summary.rhat <= until.rhat
        if disagrees and is_good and not is_last and num_shrinks < MOST_SHRINKS:
            other, num_shrinks, noise = _loosened(level), num_shrinks + 1, None
            calibration.squared_step *= LARGEST_RATIO
            calibration.record("smaller step: levels and prediction disagree")
            blocks, goal = [], FIRST_BLOCKS
        elif is_good or is_last:
            bias = replace(_stretch(blocks, facts, num_discarded=0), noise=noise).bias_of_draws(factor)
            predicted = PredictedBias(bias, float(np.sqrt(error**2 - summary.mcse**2)))
            return _sampled(draws, predicted, steps_per_draw, calibration, not disagrees)
        else:
            goal *= 2


def _loosened(level: Level) -> Level:
    """The level of hotter chains, with what it may be off the line by in its error."""
    return level._replace(raw_se=float(np.hypot(level.raw_se, NONLINEARITY * level.bias)))


def _stretch(blocks: Sequence[Draws], facts: RunFacts, num_discarded: int | None = None) -> Stretch:
    draws = concatenate(list(blocks))
    kept = draws.after(draws.num_draws // BURN_IN_SHARE if num_discarded is None else num_discarded)
    healthy = kept.of_chains(kept.healthy) if kept.healthy.any() else kept
    return Stretch(facts.n_beta * healthy.centered_loss, healthy.heat)


def _standard_error(raw: np.ndarray) -> float:
    """Monte Carlo error, no smaller than the spread of the chains' means says."""
    within = summarize(raw).mcse
    floor = 1e-9 + 1e-6 * abs(float(raw.mean()))
    return max(spread_of_chains(raw), within if np.isfinite(within) else 0.0, floor)


def _sampled(
    draws: Draws,
    step_bias: PredictedBias | None,
    steps_per_draw: int,
    calibration: Calibration,
    is_consistent: bool,
) -> Sampled:
    num_warmup_draws = draws.num_draws // BURN_IN_SHARE
    return Sampled(
        draws=draws,
        num_warmup_draws=num_warmup_draws,
        localization=calibration.localization,
        steps_per_draw=steps_per_draw,
        step_size=float(np.sqrt(calibration.squared_step)),
        num_gradients=calibration.num_gradients,
        warmup_gradients=calibration.num_gradients - float(np.nansum(draws.after(num_warmup_draws).num_gradients)),
        step_bias=step_bias,
        bias_is_inconsistent=not is_consistent,
        restarts_exhausted=calibration.num_restarts >= MAX_RESTARTS,
        decisions=calibration.decisions,
    )


def _restart(facts: RunFacts, calibration: Calibration, reason: str) -> Start:
    calibration.squared_step *= SHRINK
    calibration.num_restarts += 1
    calibration.record(reason)
    return Start(calibration.localization, calibration.hyper(facts.sampling.num_chains))


def _blew_up(draws: Draws, facts: RunFacts) -> bool:
    """Whether a chain is non-finite, or its loss is far above what a minimum of this many parameters allows."""
    if not draws.healthy.all():
        return True
    return bool((facts.n_beta * draws.centered_loss[:, -1] > 2.0 * facts.num_sampled_params + 10.0).any())
