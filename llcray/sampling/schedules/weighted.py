"""The schedule of samplers that draw independently from a proposal: the draws are weighted, and the weights judged.

The proposal is fitted once, then the number of draws doubles until the criteria hold for the weighted mean, the weights
are hopeless, or the budget ends.
"""

import numpy as np

from llcray.llc.draws import Draws, concatenate
from llcray.llc.importance import Importance, resample, weigh, weighted_summary
from llcray.llc.summary import summarize
from llcray.llc.volume import extrapolate_volume
from llcray.samplers.weighted import WeightedSampler
from llcray.sampling.budget import draws_per_block
from llcray.sampling.schedules.requests import Adapt, Advance, RunFacts, Sampled, Schedule, Start

FIRST_BLOCKS = 1
HOPELESS = 1.0
"""k-hat from which the weights have no mean, and more draws are wasted."""
ENOUGH = 256
"""Draws of all chains from which a k-hat is believed that ends a run."""


def weighted(facts: RunFacts, sampler: WeightedSampler) -> Schedule:
    """Fits the proposal of one run and draws from it, within the budget."""
    num_chains, budget, until = facts.sampling.num_chains, facts.sampling.budget, facts.sampling.until
    scale = 1 / np.sqrt(facts.curvature + facts.localization)
    hyper = {name: np.full(num_chains, value) for name, value in (facts.sampler.hyper() | {"scale": scale}).items()}
    yield Start(facts.localization, hyper)
    fitted = yield Adapt(facts.sampling.num_warmup)
    per_draw = num_chains * facts.sampler.gradients_per_step(facts.num_data)
    num_draws = draws_per_block(budget.num_gradients - fitted.num_gradients, per_draw)
    blocks: list[Draws] = []
    spent, goal, is_spent = fitted.num_gradients, FIRST_BLOCKS, False
    while True:
        while len(blocks) < goal and not is_spent:
            blocks.append((yield Advance(num_draws, 1)))
            cost = float(np.nansum(blocks[-1].num_gradients))
            spent += cost
            is_spent = spent + cost > budget.num_gradients
        draws = concatenate(blocks)
        weights = weigh(draws)
        posterior_draws = resample(draws, weights)
        loss = weighted_summary(draws.centered_loss, weights, summarize(posterior_draws.centered_loss))
        loss = loss._replace(mcse=float(np.hypot(loss.mcse, sampler.integration_error * loss.mean)))
        is_precise = loss.mcse <= until.relative_mcse * abs(loss.mean) and loss.rhat <= until.rhat
        is_hopeless = weights.pareto_khat > HOPELESS and draws.num_draws * num_chains >= ENOUGH
        is_last = is_spent or draws.num_draws * 2 > budget.num_draws
        if is_last or is_precise or is_hopeless:
            break
        goal *= 2
    return Sampled(
        draws=posterior_draws,
        num_warmup_draws=0,
        localization=facts.localization,
        steps_per_draw=1,
        step_size=float("nan"),
        num_gradients=spent,
        warmup_gradients=fitted.num_gradients,
        importance=Importance(loss, weights.pareto_khat),
        limit=extrapolate_volume(draws.log_volumes, fitted.hyper["ladder"][0], sampler.integration_error)
        if draws.log_volumes.size
        else None,
    )
