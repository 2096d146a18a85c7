"""The production of a calibrated run: draws at a step whose bias can be subtracted to the error asked for."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from llcray_storage.schema.verdicts import MIN_ESS, RHAT_LIMIT

from llcray.llc.draws import Draws, concatenate
from llcray.llc.step_bias import Level, Line, PredictedBias, disagreement, fit_line, loosened
from llcray.llc.summary import Summary, corrected_summary
from llcray.sampling.schedules.calibration import (
    BURN_IN_SHARE,
    FIRST_BLOCKS,
    LARGEST_RATIO,
    MAX_RESTARTS,
    PRODUCTION_BLOCKS,
    SHRINK,
    SMALLEST_RATIO,
    Calibration,
    Stretch,
    affordable_share,
    blew_up,
    cheapest_bias,
    choose_share,
    draws_until_cool,
    pays,
    restart,
    stretch_of,
)
from llcray.sampling.schedules.hand_set import choose_steps_per_draw
from llcray.sampling.schedules.hot_burn_in import has_escaped, measure_noise, measure_share, noise_gradients
from llcray.sampling.schedules.requests import Advance, Request, RunFacts, Sampled

DISAGREES, MOST_SHRINKS = 3.0, 2
SMALLEST_SHRINK, LARGEST_SHRINK = 0.1, 0.5
"""Bounds of the change of h^2 where what is uncertain of the bias is too much."""


def choose_step(facts: RunFacts, calibration: Calibration, hot: Stretch) -> None:
    """Takes the step at which the bias is the share of the LLC that is best to sample with."""
    level, share = hot.level, choose_share(hot, facts, calibration)
    # Where the budget does not reach the error asked for, a hotter production comes nearer to it.
    share = min(max(share, affordable_share(hot, facts, calibration)), calibration.sampler.max_heat)
    calibration.record("level of the burn-in", **_numbers(level))
    ratio = share * max(level.raw - level.bias, 1.0) / max(level.bias, 1e-300)
    calibration.squared_step *= float(np.clip(ratio, SMALLEST_RATIO, LARGEST_RATIO))
    calibration.record("step", share=share)


def produce(facts: RunFacts, calibration: Calibration, hot: Stretch, hot_x: float) -> Generator[Request, Any, Sampled]:
    """Samples until the corrected estimate is as exact as asked and stands still, or the budget ends.

    Chains that lie below w* in burn-in and production alike end early.

    Args:
        facts: Facts of the run.
        calibration: The calibration, with the step chosen.
        hot: The burn-in, whose level is compared with the production's.
        hot_x: h^2/(4 alpha) of the burn-in.
    """
    steps_per_draw = choose_steps_per_draw(facts)
    budget, until = facts.sampling.budget, facts.sampling.until
    others, num_shrinks, goal = [loosened(hot.level)], 0, FIRST_BLOCKS
    has_measured_share = False
    blocks: list[Draws] = []
    noise, noise_x, out_of_budget = None, float("nan"), False
    previous, previous_se, *_ = fit_line(others, hot.prior_sd)
    while True:
        is_measured = hot.noise is None or noise_x == calibration.x
        reserved = 0.0 if is_measured else noise_gradients(facts, calibration)
        if hot.noise is not None and not is_measured and not pays(facts, calibration, reserved, PRODUCTION_BLOCKS):
            # Noise of the same gradients at another step is in proportion to x.
            noise, noise_x = hot.noise * calibration.x / hot_x, calibration.x
            is_measured, reserved = True, 0.0
        out_of_budget |= yield from _sample(blocks, goal, steps_per_draw, facts, calibration, reserved)
        draws = concatenate(blocks)
        if not draws.healthy.all():
            return sampled_of(draws, None, steps_per_draw, calibration, is_consistent=True)
        if not is_measured:
            noise, noise_x = (yield from measure_noise(facts, calibration)), calibration.x
        discarded = draws_until_cool(stretch_of(draws, facts, num_discarded=0).raw)
        stretch = replace(stretch_of(draws, facts, discarded), noise=noise, seen_share=hot.seen_share)
        line = fit_line([*others, stretch.level], hot.prior_sd)
        judgement = judge(stretch, line, disagreement(others[-1], stretch.level, hot.prior_sd))
        calibration.record("estimate", num_draws=draws.num_draws, num_discarded=discarded, **judgement.numbers(stretch))
        llc, error = judgement.summary.mean, judgement.error
        allowed = until.relative_mcse * abs(llc)
        has_left = has_escaped(hot.level) and has_escaped(stretch.level)  # no draws make w* a minimum
        is_last = out_of_budget or has_left or calibration.block_draws * _next_goal(goal) > budget.num_draws
        stands_still = abs(llc - previous) <= max(allowed, 2 * max(error, previous_se))
        has_mixed = judgement.summary.rhat <= until.rhat and judgement.summary.ess_bulk >= MIN_ESS
        # Few effective draws do not show what is slower than they are: a second look has to find the same.
        is_known = goal > FIRST_BLOCKS or judgement.summary.ess_bulk >= MIN_ESS * facts.sampling.num_chains
        is_good = error <= allowed and has_mixed and stands_still and is_known
        previous, previous_se = llc, error
        disagrees = abs(judgement.levels_apart) > DISAGREES and has_mixed
        measurement = noise_gradients(facts, calibration)
        of_next_step = 0.0 if hot.noise is None else measurement
        can_shrink = not is_last and num_shrinks < MOST_SHRINKS
        can_shrink = can_shrink and pays(facts, calibration, of_next_step, PRODUCTION_BLOCKS)
        pays_share = not out_of_budget and pays(facts, calibration, measurement, num_blocks=1)
        if disagrees and hot.noise is None and not has_measured_share and pays_share:
            # The usual share of the heat is refuted: this loss sees another one.
            hot, has_measured_share = replace(hot, seen_share=(yield from measure_share(facts, calibration))), True
            others = [loosened(hot.level)]
        elif disagrees and is_good and can_shrink:
            others, num_shrinks = [loosened(stretch.level)], num_shrinks + 1
            calibration.squared_step *= SHRINK
            calibration.record("smaller step: levels and prediction disagree")
            blocks, goal = [], FIRST_BLOCKS
        elif has_mixed and judgement.is_limited_by_bias(allowed) and can_shrink:
            others, num_shrinks = [*others, loosened(stretch.level)], num_shrinks + 1
            wanted = cheapest_bias(allowed, judgement.bias_se)
            calibration.squared_step *= float(np.clip(wanted, SMALLEST_SHRINK, LARGEST_SHRINK))
            calibration.record("smaller step: more draws do not make the bias better known")
            blocks, goal = [], FIRST_BLOCKS
        elif is_good or is_last:
            predicted = predicted_bias(draws, facts, stretch, judgement)
            return sampled_of(draws, predicted, steps_per_draw, calibration, judgement.is_consistent, discarded)
        else:
            goal = _next_goal(goal)


def _next_goal(goal: int) -> int:
    """Half more blocks."""
    return goal + goal // 2


def _sample(
    blocks: list[Draws], goal: int, steps_per_draw: int, facts: RunFacts, calibration: Calibration, reserved: float
) -> Generator[Request, Any, bool]:
    """Samples until there are `goal` blocks in `blocks`; returns whether the budget ends before another block.

    `reserved` gradients of the budget are left over.
    """
    budget = facts.sampling.budget.num_gradients - reserved
    while len(blocks) < goal:
        hyper = calibration.hyper(facts.sampling.num_chains)
        blocks.append((yield Advance(calibration.block_draws, steps_per_draw, hyper)))
        if calibration.count(blocks[-1]) + calibration.num_gradients > budget:
            return True
        if blew_up(blocks[-1], facts) and calibration.num_restarts < MAX_RESTARTS:
            yield restart(facts, calibration, "restart: a block blew up")
            blocks.clear()
    return False


@dataclass(frozen=True)
class Judgement:
    """What the draws at one step say, beside the level of hotter chains.

    Attributes:
        summary: Mean, MCSE and R-hat of the corrected draws, nats.
        line: The line through both levels.
        factor: The factor of the predicted bias that is subtracted; 0 where no bias is predicted.
        levels_apart: Standard errors between the prediction and what both levels say.
    """

    summary: Summary
    line: Line
    factor: float
    levels_apart: float

    @property
    def error(self) -> float:
        """Standard error of the LLC, nats: the larger one of the line's and of the draws' own."""
        return max(self.line.se, self.summary.mcse)

    @property
    def bias_se(self) -> float:
        """The part of the error that the draws' own does not hold, nats."""
        return float(np.sqrt(self.error**2 - self.summary.mcse**2))

    @property
    def is_consistent(self) -> bool:
        """Whether levels and prediction agree, or the chains are too far from mixed for a verdict of `ok` anyway."""
        return not (abs(self.levels_apart) > DISAGREES and self.summary.rhat <= RHAT_LIMIT)

    def is_limited_by_bias(self, allowed: float) -> bool:
        """Whether what is uncertain of the bias is more than allowed, and far more than draws can still take away."""
        return self.bias_se > max(allowed, 2 * self.summary.mcse)

    def numbers(self, stretch: Stretch) -> dict[str, float]:
        """The numbers for the record."""
        level = stretch.level
        return {
            "llc": self.summary.mean,
            "llc_se": self.error,
            "mcse": self.summary.mcse,
            "rhat": self.summary.rhat,
            **_numbers(level),
            "heat": float(stretch.heat.mean()),
            "bias": self.line.factor * level.bias,
            "factor": self.line.factor,
            "factor_se": self.line.factor_se,
            "levels_apart": self.levels_apart,
        }


def judge(stretch: Stretch, line: Line, levels_apart: float) -> Judgement:
    """Returns what the draws at one step say where the predicted bias is corrected by a line's factor.

    Args:
        stretch: The draws.
        line: The line through the levels.
        levels_apart: Standard errors between the prediction and what the levels say; NaN for one level.
    """
    factor = line.factor if stretch.level.bias > 0 else 0.0
    return Judgement(corrected_summary(stretch.raw, stretch.bias_of_draws(factor)), line, factor, levels_apart)


def predicted_bias(draws: Draws, facts: RunFacts, stretch: Stretch, judgement: Judgement) -> PredictedBias:
    """Returns the bias of all draws at one step, burn-in included, as it was predicted for the kept ones."""
    everything = stretch_of(draws, facts, num_discarded=0)
    everything = replace(everything, noise=stretch.noise, seen_share=stretch.seen_share)
    return PredictedBias(everything.bias_of_draws(judgement.factor), judgement.bias_se)


def _numbers(level: Level) -> dict[str, float]:
    """The numbers of a level for the record."""
    names = ("raw", "raw_se", "predicted_bias", "predicted_bias_se")
    return dict(zip(names, level, strict=True))


def sampled_of(
    draws: Draws,
    step_bias: PredictedBias | None,
    steps_per_draw: int,
    calibration: Calibration,
    is_consistent: bool,
    num_warmup_draws: int | None = None,
) -> Sampled:
    """Returns the result of a production.

    Args:
        draws: All draws at the last step.
        step_bias: The predicted bias; None where chains are not healthy.
        steps_per_draw: Steps between draws.
        calibration: The calibration, at its end.
        is_consistent: Whether levels and prediction agree.
        num_warmup_draws: Draws that are not kept; None: the first quarter.
    """
    if num_warmup_draws is None:
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
        bias_is_inconsistent=calibration.bias_is_unknown or not is_consistent,
        restarts_exhausted=calibration.num_restarts >= MAX_RESTARTS,
        decisions=calibration.decisions,
    )
