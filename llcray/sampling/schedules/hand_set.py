"""The schedule of samplers whose numbers are set by hand or tuned in their own warmup.

The chains start, adapt where the kernel can, and draw; the number of draws doubles until the criteria hold or the
budget ends. Burn-in is detected on the draws themselves and never averaged.
"""

from collections.abc import Generator

import numpy as np

from llcray.llc.burn_in import detect_burn_in
from llcray.llc.draws import Draws, concatenate
from llcray.llc.summary import summarize
from llcray.sampling.schedules.requests import Adapt, Adapted, Advance, Request, RunFacts, Sampled, Schedule, Start

DRAWS_PER_BLOCK = 64
FIRST_BLOCKS = 4
# Adaptation has settled when it changes the logarithm of the median step size by less than this.
SETTLED = 0.2


def hand_set(facts: RunFacts) -> Schedule:
    """Samples one run with the sampler's own numbers."""
    num_chains, budget = facts.sampling.num_chains, facts.sampling.budget
    localization = facts.localization
    scale = 1 / np.sqrt(facts.curvature + localization)
    hyper = {name: np.full(num_chains, value) for name, value in (facts.sampler.hyper() | {"scale": scale}).items()}
    yield Start(localization, hyper)
    warmup_gradients, step_size = 0.0, hyper.get("step_size", np.array(np.nan))
    if facts.kernel.adapt is not None:
        warmup_gradients, step_size = yield from _adapt(facts)
    steps_per_draw = choose_steps_per_draw(facts)
    blocks: list[Draws] = []
    previous = float("nan")
    spent, goal = warmup_gradients, FIRST_BLOCKS
    while True:
        while len(blocks) < goal:
            blocks.append((yield Advance(DRAWS_PER_BLOCK, steps_per_draw)))
            cost = float(np.nansum(blocks[-1].num_gradients))
            spent += cost
            if spent + cost > budget.num_gradients or not blocks[-1].healthy.any():
                break
        draws = concatenate(blocks)
        num_warmup_draws = burn_in_of(draws)
        exhausted = len(blocks) < goal or draws.num_draws * 2 > budget.num_draws
        if exhausted or meets_criteria(draws.after(num_warmup_draws), facts, previous):
            break
        previous = draws.after(num_warmup_draws).centered_loss.mean()
        goal *= 2
    return Sampled(
        draws=draws,
        num_warmup_draws=num_warmup_draws,
        localization=localization,
        steps_per_draw=steps_per_draw,
        step_size=float(np.median(step_size)),
        num_gradients=spent,
        warmup_gradients=spent - float(np.nansum(draws.after(num_warmup_draws).num_gradients)),
    )


def _adapt(facts: RunFacts) -> Generator[Request, Adapted, tuple[float, np.ndarray]]:
    """Adapts until the step size settles; returns the number of gradients and the step sizes, shape (chain,)."""
    num_gradients, step_sizes = 0.0, []
    for _ in range(facts.kernel.max_adaptations):
        adapted = yield Adapt(facts.sampling.num_warmup)
        num_gradients += adapted.num_gradients
        step_sizes.append(adapted.hyper["step_size"])
        if len(step_sizes) > 1 and abs(np.diff(np.log([np.median(size) for size in step_sizes[-2:]]))[0]) < SETTLED:
            break
    return num_gradients, step_sizes[-1]


def choose_steps_per_draw(facts: RunFacts) -> int:
    """Returns the steps between draws: as given, or so many that evaluating the loss adds a third to their cost."""
    if facts.sampling.steps_per_draw is not None:
        return facts.sampling.steps_per_draw
    if facts.kernel.loss_gradients == 0:
        return 1
    batch_size = facts.sampling.loss_batch_size
    share = 1.0 if batch_size is None else min(1.0, 2 * batch_size / facts.num_data)
    return max(1, round(share / facts.sampler.gradients_per_step(facts.num_data)))


def burn_in_of(draws: Draws) -> int:
    """Detects the burn-in of the healthy chains' losses, in draws; all draws where no chain is healthy."""
    healthy = draws.of_chains(draws.healthy)
    return detect_burn_in(healthy.centered_loss) if healthy.num_chains else draws.num_draws


def meets_criteria(draws: Draws, facts: RunFacts, previous: float) -> bool:
    """Whether the kept draws meet the stopping criteria, and their mean stands still since the last doubling.

    Chains that start together at w* and drift outward slowly agree with each other: R-hat alone does not see the drift.
    """
    if not draws.healthy.all():
        return False
    summary, until = summarize(draws.centered_loss), facts.sampling.until
    allowed_mcse = until.relative_mcse * abs(summary.mean)
    stands_still = abs(summary.mean - previous) <= max(allowed_mcse, 2 * summary.mcse)
    return bool(stands_still and summary.rhat <= until.rhat and summary.mcse <= allowed_mcse)
