"""The schedule of `kind: auto` that goes on from the run at the checkpoint before, without a hot burn-in.

1. Chains start at w* plus the displacements w - w* that the run before ended with, at the step that it hands over.
   Where gamma differs, displacements are scaled by the root of its ratio, as directions that the localization holds ask
   for.
2. The factor c of the predicted step-size bias is that of the run before, with a standard error that grows from
   checkpoint to checkpoint.
3. The number of draws doubles, from one block on, until the criteria hold and the corrected mean stands still within
   the run by the rule of a burn-in. Directions that relax slower than a run show as differences between chains, whose
   displacements are independent of one another, and so in R-hat and in the error.
4. Chains that blow up, that are far from mixed, or that have not mixed or do not stand still after `PATIENCE` blocks,
   start cold from w* (`calibrated`), as do those whose gradient noise predicts the bias too vaguely for the error asked
   for: more draws do not mend that, a smaller step does. The work of both counts, and until chains have arrived the
   gradients of a cold start are left over; a budget that does not pay for both starts cold at once.

Randomness differs from checkpoint to checkpoint. With common random numbers the noise of each run would push the
displacements the same way, and a direction whose displacement relaxes by the factor rho in a run would have

    (1 + rho)/(1 - rho)

times its variance, without bound for slow directions.
"""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from llcray.llc.draws import Draws, concatenate
from llcray.llc.step_bias import fit_line
from llcray.llc.verdict import MIN_ESS
from llcray.samplers.auto import Auto
from llcray.samplers.kernel import build_kernel
from llcray.sampling.budget import FEWEST, SCALE_GRADIENTS
from llcray.sampling.handover import Handover
from llcray.sampling.schedules.calibrated import calibrated
from llcray.sampling.schedules.calibration import LEAST_BLOCKS, Calibration, blew_up, fit_block, pays, stretch_of
from llcray.sampling.schedules.hand_over import Learned, hand_over
from llcray.sampling.schedules.hand_set import choose_steps_per_draw, draw_gradients
from llcray.sampling.schedules.hot_burn_in import measure_noise, noise_gradients, stands_still
from llcray.sampling.schedules.production import judge, predicted_bias, sampled_of
from llcray.sampling.schedules.requests import Advance, Request, RunFacts, Sampled, Schedule, Start

PATIENCE = 8
"""Blocks that cost what a cold start costs."""
FAR_FROM_MIXED = 1.2
"""R-hat that more draws do not mend for less than a cold start, from the second look on."""
DRIFT = 0.03
"""Standard deviation of the change of c from one checkpoint to the next."""


def warm(facts: RunFacts, sampler: Auto, handover: Handover) -> Schedule:
    """Samples one run from where the run before ended.

    Args:
        facts: Facts of the run.
        sampler: The run's sampler.
        handover: The handover of the run before.
    """
    chosen = sampler.model_copy(update={"gradient": handover.gradient, "batch_size": handover.batch_size})
    here = replace(facts, sampler=chosen, kernel=build_kernel(chosen))
    calibration = Calibration(chosen, handover.squared_step, facts.localization, fit_block(facts), SCALE_GRADIENTS)
    factor_se = float(np.hypot(handover.factor_se, DRIFT))
    if not _leaves_a_cold_start(here, calibration, 1, handover):
        return (yield from calibrated(replace(facts, handover=None), sampler))
    calibration.record("start at the checkpoint before", factor=handover.factor, factor_se=factor_se)
    gammas = handover.localization, facts.localization
    scale = float(np.sqrt(gammas[0] / gammas[1])) if all(gammas) else 1.0
    hyper = calibration.hyper(facts.sampling.num_chains)
    yield Start(facts.localization, hyper, here.kernel, scale * handover.displacement)
    produced = yield from _produce(here, calibration, replace(handover, factor_se=factor_se))
    if produced is None:
        return (yield from _cold(facts, sampler, calibration))
    return (yield from hand_over(here, calibration, *produced))


def _produce(
    facts: RunFacts, calibration: Calibration, handover: Handover
) -> Generator[Request, Any, tuple[Sampled, Learned] | None]:
    """Samples until the criteria hold or the budget ends; returns None where chains have to start cold."""
    steps_per_draw, hyper = choose_steps_per_draw(facts), calibration.hyper(facts.sampling.num_chains)
    budget, until = facts.sampling.budget, facts.sampling.until
    blocks: list[Draws] = []
    noise, goal, is_last, has_arrived = None, 1, False, False
    while True:
        unmeasured = handover if noise is None else None
        if not has_arrived and not _leaves_a_cold_start(facts, calibration, goal - len(blocks), unmeasured):
            return None
        while len(blocks) < goal and not is_last:
            blocks.append((yield Advance(calibration.block_draws, steps_per_draw, hyper)))
            is_last = calibration.count(blocks[-1]) + calibration.num_gradients > budget.num_gradients
            if blew_up(blocks[-1], facts) and _leaves_a_cold_start(facts, calibration, 0):
                return None
        if handover.heat_is_noise and noise is None:
            noise = yield from measure_noise(facts, calibration)
        draws = concatenate(blocks)
        stretch = replace(stretch_of(draws, facts), noise=noise)
        judgement = judge(
            stretch, fit_line([stretch.level], handover.factor_se, handover.factor), levels_apart=float("nan")
        )
        calibration.record("estimate", num_draws=draws.num_draws, **judgement.numbers(stretch))
        summary = judgement.summary
        has_arrived = summary.rhat <= until.rhat and stands_still(draws, facts)
        allowed = until.relative_mcse * abs(summary.mean)
        is_exact = judgement.error <= allowed and summary.ess_bulk >= MIN_ESS
        is_last = is_last or 2 * draws.num_draws > budget.num_draws
        if is_last or (has_arrived and is_exact):
            bias = predicted_bias(draws, facts, stretch, judgement)
            sampled = sampled_of(draws, bias, steps_per_draw, calibration, is_consistent=True)
            learned = (stretch.level, handover.heat_is_noise, handover.largest_squared_step)
            return sampled, Learned(*learned, handover.factor, handover.factor_se)
        is_vague = noise is not None and has_arrived and judgement.is_limited_by_bias(allowed)
        if is_vague and _leaves_a_cold_start(facts, calibration, 0):
            return None
        if not has_arrived and (len(blocks) >= PATIENCE or (len(blocks) > 1 and summary.rhat > FAR_FROM_MIXED)):
            return None
        goal *= 2


def _leaves_a_cold_start(
    facts: RunFacts, calibration: Calibration, num_blocks: int, handover: Handover | None = None
) -> bool:
    """Returns whether so many blocks, and the gradient noise where it is still to be measured, leave a cold start."""
    noise = noise_gradients(facts, calibration) if handover is not None and handover.heat_is_noise else 0.0
    cold = LEAST_BLOCKS * FEWEST * draw_gradients(facts)
    return pays(facts, calibration, noise + cold, num_blocks)


def _cold(facts: RunFacts, sampler: Auto, spent: Calibration) -> Schedule:
    """Starts from w* with what is left of the budget; the work and the decisions so far are part of the result."""
    spent.record("cold start: the chains blew up, have not mixed, do not stand still, or have a bias known too vaguely")
    budget = facts.sampling.budget
    spent.num_gradients -= SCALE_GRADIENTS  # of the curvature at w*, which is measured once and counts in both
    left = budget.model_copy(update={"num_gradients": budget.num_gradients - spent.num_gradients})
    sampling = facts.sampling.model_copy(update={"budget": left})
    sampled = yield from calibrated(replace(facts, sampling=sampling, handover=None), sampler)
    return replace(
        sampled,
        num_gradients=sampled.num_gradients + spent.num_gradients,
        warmup_gradients=sampled.warmup_gradients + spent.num_gradients,
        decisions=[*spent.decisions, *sampled.decisions],
    )
