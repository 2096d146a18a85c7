"""The shares of a run's budget of gradients: warmup and draws that fit into the budget together.

A budget that pays the warmup asked for and a first block of draws is left to them. A smaller budget is shared out:

    warmup    at most half of the gradients
    draws     the rest, in smaller blocks

Where the cost of a step is known only afterwards, warmup and the next block count with the most that they can cost. A
warmup that ends by itself may take all but a first block of draws.
"""

import math
from dataclasses import dataclass

from llcray.samplers.kernel import GRADIENTS_PER_PRODUCT, SamplerVariant
from llcray.sampling.spec import SamplingSpec

DRAWS_PER_BLOCK = 64
FEWEST = 4
"""Fewest warmup steps and draws of a chain: split R-hat needs two draws in each half of a chain."""
SMALL_BLOCKS = 4
"""Blocks, at least, that the draws of a small budget are divided into, so that little of the budget is left over."""
PARTS_OF_BUDGET = 16
"""Parts, at least, in which draws are taken whose cost is known only afterwards."""
LOSS_GRADIENTS = 1 / 3
"""Most that the loss of a draw costs: a pass over the data without gradients."""
NUM_LANCZOS_STEPS, NUM_RADII = 10, 32
SCALE_GRADIENTS = 2 * NUM_LANCZOS_STEPS * GRADIENTS_PER_PRODUCT + NUM_RADII * LOSS_GRADIENTS
"""Cost of the curvature scale at w* (`llcray.sampling.curvature`)."""
HESSIAN_EXAMPLES = 1024
"""Hessians on chains are those of at most so many examples."""


@dataclass(frozen=True)
class Shares:
    """The shares of a budget.

    Attributes:
        sampler: The sampler, with steps that the budget pays whatever they cost.
        num_warmup: Warmup steps of a chain; of a warmup that ends by itself, the most.
    """

    sampler: SamplerVariant
    num_warmup: int


def share_out(sampler: SamplerVariant, sampling: SamplingSpec, num_data: int, gradients_per_draw: float) -> Shares:
    """Returns the shares of warmup and draws.

    Args:
        sampler: The sampler that was asked for.
        sampling: Number of chains, warmup steps, and the budget.
        num_data: n.
        gradients_per_draw: Cost of one draw of all chains.
    """
    budget, num_chains = sampling.budget.num_gradients, sampling.num_chains
    per_step = num_chains * sampler.warmup_gradients(1, num_data)
    if sampler.ends_its_warmup:
        left = budget - DRAWS_PER_BLOCK * gradients_per_draw
        return Shares(sampler, max(1, int(left / per_step)))
    bounded = sampler.bounded(budget / 2 / (num_chains * sampling.num_warmup))
    if warmup_gradients(sampler, sampling, num_data) + DRAWS_PER_BLOCK * gradients_per_draw <= budget:
        return Shares(bounded, sampling.num_warmup)
    affordable = int(budget / 2 / per_step) if sampler.max_adaptations else sampling.num_warmup
    return Shares(bounded, max(1, min(sampling.num_warmup, affordable)))


def draws_per_block(left: float, gradients_per_draw: float) -> int:
    """Returns the draws of a block: 64, or where `left` gradients do not pay them, a power of two that they do pay.

    There are few powers of two, so that packs of runs with several budgets compile few programs. A fit whose cost is
    known only afterwards may have left less than a few draws: then a block is taken all the same, without which the fit
    would be lost.
    """
    if DRAWS_PER_BLOCK * gradients_per_draw <= left or left < FEWEST * gradients_per_draw:
        return DRAWS_PER_BLOCK
    affordable = int(left / gradients_per_draw / SMALL_BLOCKS)
    return power_of_two_at_most(max(affordable, 1))


def draws_per_call(block: int, left: float, most_per_draw: float) -> int:
    """Returns the draws to ask for at a time where a draw may cost up to `most_per_draw`.

    That is a block, or a part of it, so small that what remains of the budget at the end, because it might not pay the
    next part, is little of the `left` gradients.
    """
    return min(block, power_of_two_at_most(max(1, int(left / most_per_draw / PARTS_OF_BUDGET))))


def power_of_two_at_most(number: int) -> int:
    """Returns the largest power of two that is no more than a positive number."""
    return 1 << (number.bit_length() - 1)


def warmup_gradients(sampler: SamplerVariant, sampling: SamplingSpec, num_data: int) -> float:
    """Returns the cost of one warmup of all chains, as asked for; 0 for samplers without one."""
    if not sampler.max_adaptations:
        return 0.0
    return sampling.num_chains * sampler.warmup_gradients(sampling.num_warmup, num_data)


def num_steps_per_draw(sampler: SamplerVariant, sampling: SamplingSpec, num_data: int, loss_gradients: float) -> int:
    """Returns the steps between draws: as given, or so many that evaluating the loss adds a third to their cost."""
    if sampling.steps_per_draw is not None:
        return sampling.steps_per_draw
    if loss_gradients == 0:
        return 1
    batch_size = sampling.loss_batch_size
    share = 1.0 if batch_size is None else min(1.0, 2 * batch_size / num_data)
    return max(1, round(share / sampler.gradients_per_step(num_data)))


def gradients_per_draw(sampler: SamplerVariant, sampling: SamplingSpec, num_data: int, loss_gradients: float) -> float:
    """Returns the expected cost of a draw of all chains, and of its loss."""
    steps = num_steps_per_draw(sampler, sampling, num_data, loss_gradients) * sampler.gradients_per_step(num_data)
    batch_size = sampling.loss_batch_size
    share = 1.0 if batch_size is None else min(1.0, 2 * batch_size / num_data)
    return sampling.num_chains * (steps + share * loss_gradients)


def chain_curvature_gradients(num_data: int) -> float:
    """Returns the cost of the largest curvature at one position of a chain."""
    return NUM_LANCZOS_STEPS * GRADIENTS_PER_PRODUCT * min(1.0, HESSIAN_EXAMPLES / num_data)


def most_gradients(sampler: SamplerVariant, sampling: SamplingSpec, num_data: int) -> float:
    """Returns the most gradients that a run takes: its budget, or what its warmup and draws can cost."""
    draws = max(sampling.budget.num_draws, SMALL_BLOCKS * DRAWS_PER_BLOCK)
    of_draws = draws * gradients_per_draw(sampler, sampling, num_data, LOSS_GRADIENTS)
    of_warmup = max(1, sampler.max_adaptations) * warmup_gradients(sampler, sampling, num_data)
    return min(sampling.budget.num_gradients, of_warmup + of_draws)


def least_gradients(sampler: SamplerVariant, sampling: SamplingSpec, num_data: int) -> float:
    """Returns the smallest budget that pays a few warmup steps and draws of each chain."""
    bounded = sampler.bounded(0.0)
    per_draw = gradients_per_draw(bounded, sampling, num_data, LOSS_GRADIENTS)
    if bounded.num_calibration_blocks:
        return SCALE_GRADIENTS + (bounded.num_calibration_blocks + 1) * FEWEST * per_draw
    if not bounded.max_adaptations:
        return FEWEST * per_draw
    per_step = sampling.num_chains * bounded.warmup_gradients(1, num_data)
    if bounded.ends_its_warmup:
        return per_step + FEWEST * per_draw
    return FEWEST * 2 * max(per_step, per_draw)


def too_small_a_budget(sampler: SamplerVariant, sampling: SamplingSpec, num_data: int) -> str | None:
    """Says what a budget is too small for, and how large it has to be; None for a budget that will do."""
    least, budget = least_gradients(sampler, sampling, num_data), sampling.budget.num_gradients
    if budget >= least:
        return None
    kind = getattr(sampler, "kind", type(sampler).__name__)
    num_steps = 1 if sampler.ends_its_warmup else FEWEST
    steps = f"{num_steps} warmup step{'s' * (num_steps > 1)} and " if sampler.max_adaptations else ""
    parts = f"{steps}{FEWEST} draws"
    return (
        f"num_gradients {budget:g} of the budget does not pay {parts} of each of {sampling.num_chains} chains of "
        f"{kind}; set it to at least {math.ceil(least)}, or lower num_chains"
    )
