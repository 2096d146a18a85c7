"""The schedule of `kind: auto`: burns in hot, then samples at the step whose bias can be subtracted to what was asked.

1. gamma is a few thousandths of the largest curvature of n beta L_n near w* (see `llcray.posterior.density`).
2. Hot burn-in at the largest stable step, which follows the curvature met *on the chain*. Slow directions relax at a
   rate in proportion to the step's bias, so hot chains arrive where cold ones crawl. Burn-in ends when the corrected
   mean stands still. After a block that blows up, the chains start again with a quarter of h^2. Batches shrink where
   gradient noise is cheap. A mass that was asked for is measured first, and the step found anew.
3. The bias is predicted from heat, or from the noise of gradients where heat is noise itself, and the prediction is
   corrected by the level of the hot chains beside that of the production (`llcray.llc.step_bias`).
4. Production takes the step whose bias is so large a share of the LLC that its uncertainty is part of the error asked
   for; a larger one where the budget does not reach that error. Draws that lie above the rest, from the time in which
   chains cool, are not kept. The number of draws grows by half until the criteria hold and the estimate stands still,
   or the budget ends.
   Where the two levels and the prediction disagree, the step shrinks. Chains that have found lower loss than w* end.

Every decision is recorded, with the numbers it rests on.
"""

from dataclasses import replace

from llcray.samplers.auto import Auto
from llcray.sampling.budget import SCALE_GRADIENTS
from llcray.sampling.schedules.calibration import PRODUCTION_BLOCKS, Calibration, fit_block, pays
from llcray.sampling.schedules.hand_over import hand_over_after_burn_in
from llcray.sampling.schedules.hot_burn_in import (
    burn_in,
    choose_batch_size,
    choose_gradient,
    find_step,
    heat_misleads,
    measure_noise,
    measure_share,
    noise_gradients,
)
from llcray.sampling.schedules.precondition import enter_mass
from llcray.sampling.schedules.production import choose_step, produce
from llcray.sampling.schedules.requests import RunFacts, Schedule, Start


def calibrated(facts: RunFacts, sampler: Auto) -> Schedule:
    """Calibrates and samples one run.

    Args:
        facts: Facts of the run.
        sampler: The run's sampler, with the bounds on bias and curvature to keep to.
    """
    localization = facts.localization
    stable = _stable(facts, sampler)
    calibration = Calibration(sampler, stable, localization, fit_block(facts), SCALE_GRADIENTS)
    calibration.record("start", curvature=facts.curvature, localization=localization, damping=calibration.damping)
    yield Start(localization, calibration.hyper(facts.sampling.num_chains), facts.kernel)
    block = yield from find_step(facts, calibration)
    has_mass = sampler.mass not in ("auto", "none")
    if has_mass:
        facts = yield from enter_mass(facts, calibration)
        block = yield from find_step(facts, calibration)
    facts = yield from choose_batch_size(facts, calibration, block)
    hot = yield from burn_in(facts, calibration)
    kernel, facts = facts.kernel, (yield from choose_gradient(facts, calibration, hot))
    if facts.kernel is not kernel:
        calibration.squared_step = _stable(facts, sampler)  # noise may have shrunk the step
        yield from find_step(facts, calibration)
        hot = yield from burn_in(facts, calibration)
    if heat_misleads(hot, facts, calibration):
        if pays(facts, calibration, noise_gradients(facts, calibration), PRODUCTION_BLOCKS):
            hot = replace(hot, noise=(yield from measure_noise(facts, calibration)))
        else:
            calibration.bias_is_unknown = True
            calibration.record("the budget does not pay for the gradient noise that would tell the bias")
    elif has_mass and pays(facts, calibration, noise_gradients(facts, calibration), PRODUCTION_BLOCKS):
        # The usual share of the heat is that of chains of unit mass.
        hot = replace(hot, seen_share=(yield from measure_share(facts, calibration)))
    hot_squared_step, hot_x = calibration.squared_step, calibration.x
    choose_step(facts, calibration, hot)
    sampled = yield from produce(facts, calibration, hot, hot_x)
    return (yield from hand_over_after_burn_in(facts, calibration, sampled, hot, hot_squared_step))


def _stable(facts: RunFacts, sampler: Auto) -> float:
    """The largest h^2 that is stable at the curvature known so far."""
    return sampler.curvature_share / (facts.curvature + facts.localization)
