"""The schedule of samplers whose numbers are set by hand or tuned in their own warmup.

The chains start, adapt where the kernel can, and draw; the number of draws doubles until the criteria hold or the
budget ends. Burn-in is detected on the draws themselves and never averaged.
"""

from collections.abc import Generator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from llcray.llc.burn_in import detect_burn_in
from llcray.llc.draws import Draws, concatenate
from llcray.llc.summary import summarize
from llcray.samplers.baoab import BAOAB
from llcray.samplers.kernel import Hyper, build_kernel
from llcray.samplers.sg_mclmc import SGMCLMC
from llcray.samplers.ubu import UBU
from llcray.sampling.budget import (
    DRAWS_PER_BLOCK,
    Shares,
    draws_per_block,
    draws_per_call,
    gradients_per_draw,
    num_steps_per_draw,
    share_out,
)
from llcray.sampling.gradient_noise import seen_noise_gradients
from llcray.sampling.schedules.measured_mass import STEPS_BETWEEN, measure_coordinates
from llcray.sampling.schedules.requests import (
    Adapt,
    Adapted,
    Advance,
    MeasureDisplacement,
    MeasureSeenNoise,
    Request,
    RunFacts,
    Sampled,
    Schedule,
    Start,
)

FIRST_BLOCKS = 4
# Adaptation has settled when it changes the logarithm of the median step size by less than this.
SETTLED = 0.2


def hand_set(facts: RunFacts) -> Schedule:
    """Samples one run with the sampler's own numbers, within its budget.

    The budget ends a run before the draws that could exceed it; how a small one is shared out is said in
    `llcray.sampling.budget`.
    """
    num_chains, budget = facts.sampling.num_chains, facts.sampling.budget
    localization = facts.localization
    scale = 1 / np.sqrt(facts.curvature + localization)
    hyper = {name: np.full(num_chains, value) for name, value in (facts.sampler.hyper() | {"scale": scale}).items()}
    asked = facts.kernel
    facts, shares, per_draw = _within_budget(facts)
    yield Start(localization, hyper, facts.kernel if facts.kernel is not asked else None)
    warmup = Warmup(0.0, hyper.get("step_size", np.array(np.nan)))
    match facts.sampler:
        case (BAOAB() | SGMCLMC()) as sampler if sampler.mass != "none":
            spent = yield from _enter_mass(facts, sampler, hyper, shares.num_warmup)
            warmup = warmup._replace(num_gradients=spent)
    if facts.kernel.adapt is not None:
        warmup = yield from _adapt(facts, shares.num_warmup, DRAWS_PER_BLOCK * per_draw)
    steps_per_draw = choose_steps_per_draw(facts)
    left = budget.num_gradients - warmup.num_gradients
    block = draws_per_block(left, per_draw)
    most_per_draw = _most_per_draw(facts, per_draw)
    num_draws = block if most_per_draw is None else draws_per_call(block, left, most_per_draw)
    parts: list[Draws] = []
    previous = float("nan")
    spent, goal, is_spent = warmup.num_gradients, FIRST_BLOCKS * block, False
    while True:
        while num_draws * len(parts) < goal and not is_spent:
            parts.append((yield Advance(num_draws, steps_per_draw)))
            cost = float(np.nansum(parts[-1].num_gradients))
            spent += cost
            next_cost = cost if most_per_draw is None else num_draws * most_per_draw
            is_spent = spent + next_cost > budget.num_gradients or not parts[-1].healthy.any()
        draws = concatenate(parts)
        num_warmup_draws = burn_in_of(draws)
        is_last = is_spent or draws.num_draws * 2 > budget.num_draws
        if is_last or meets_criteria(draws.after(num_warmup_draws), facts, previous):
            break
        previous = draws.after(num_warmup_draws).centered_loss.mean()
        goal *= 2
    kept_gradients = float(np.nansum(draws.after(num_warmup_draws).num_gradients))
    share_gradients, seen_share = yield from _measure_seen_share(facts, draws, budget.num_gradients - spent)
    spent += share_gradients
    return Sampled(
        draws=draws,
        num_warmup_draws=num_warmup_draws,
        localization=localization,
        steps_per_draw=steps_per_draw,
        step_size=float(np.median(warmup.step_sizes)),
        num_gradients=spent,
        warmup_gradients=spent - kept_gradients,
        seen_share=seen_share,
        budget_of_warmup=_budget_of(warmup, shares.num_warmup) + FIRST_BLOCKS * DRAWS_PER_BLOCK * per_draw,
    )


class Warmup(NamedTuple):
    """A warmup that has ended.

    Attributes:
        num_gradients: Work of all chains.
        step_sizes: Tuned step size of each chain, shape (chain,).
        steps_left: Steps that a warmup which ends by itself would have taken besides; 0 where it has ended.
    """

    num_gradients: float
    step_sizes: np.ndarray
    steps_left: float = 0.0


def _budget_of(warmup: Warmup, num_steps: int) -> float:
    """Returns the gradients that a warmup would have taken to its end; NaN where it has come to its end."""
    return warmup.num_gradients * (1 + warmup.steps_left / num_steps) if warmup.steps_left > 0 else float("nan")


def _most_per_draw(facts: RunFacts, per_draw: float) -> float | None:
    """Returns the most gradients that a draw of all chains takes; None where all draws take the same."""
    expected = facts.sampler.gradients_per_step(facts.num_data)
    most = facts.sampler.most_gradients_per_step(facts.num_data)
    return per_draw * most / expected if most > expected else None


def _enter_mass(
    facts: RunFacts, sampler: BAOAB | SGMCLMC, hyper: Hyper, num_warmup: int
) -> Generator[Request, Any, float]:
    """Gives the chains their mass after half of the warmup, measured in the other half; returns the work.

    The step that was set by hand stays as stable as it was, since the steepest coordinate keeps its scale.
    """
    num_before = num_warmup // 2
    num_samples = max(1, (num_warmup - num_before) // (STEPS_BETWEEN + 1))
    batch_size = min(sampler.batch_size, facts.num_data)
    coordinates, spent = yield from measure_coordinates(facts, sampler.mass, batch_size, num_samples, num_before)
    coordinates = replace(coordinates, scale=coordinates.scale / coordinates.scale.min())
    displacement = yield MeasureDisplacement()
    yield Start(facts.localization, hyper, displacement=displacement, coordinates=coordinates)
    return spent


def _measure_seen_share(facts: RunFacts, draws: Draws, left: float) -> Generator[Request, Any, tuple[float, float]]:
    """Measures the share of kinetic heat that the loss sees where the chains ended.

    Returns the number of gradients, and the share: 1 where heat is no kinetic energy, or `left` does not pay for it.
    """
    match facts.sampler:
        case BAOAB(batch_size=batch_size, gradient=gradient):
            uses_control_variates = gradient == "control_variate"
        case UBU(batch_size=batch_size) | SGMCLMC(batch_size=batch_size):
            uses_control_variates = False
        case _:
            return 0.0, 1.0
    cost = facts.sampling.num_chains * seen_noise_gradients(facts.num_data, batch_size)
    if batch_size >= facts.num_data or not draws.healthy.all() or cost > left:
        return 0.0, 1.0
    total, seen = np.mean((yield MeasureSeenNoise(batch_size, uses_control_variates)), axis=0)
    share = float(seen / total) if total > 0 else 1.0
    if isinstance(facts.sampler, SGMCLMC):
        # Momenta of a fixed length take from all directions alike what noise adds to some.
        num_seen = 2 * facts.n_beta * draws.after(draws.num_draws // 2).centered_loss.mean()
        share -= float(num_seen / facts.num_sampled_params)
    return cost, share


def _within_budget(facts: RunFacts) -> tuple[RunFacts, Shares, float]:
    """Returns the facts with the sampler that the budget pays, the shares, and the expected cost of a draw."""
    per_draw = draw_gradients(facts)
    shares = share_out(facts.sampler, facts.sampling, facts.num_data, per_draw)
    if shares.sampler is facts.sampler:
        return facts, shares, per_draw
    facts = replace(facts, sampler=shares.sampler, kernel=build_kernel(shares.sampler))
    return facts, shares, draw_gradients(facts)


def draw_gradients(facts: RunFacts) -> float:
    """Returns the expected cost of a draw of all chains, its loss and its observables."""
    losses = gradients_per_draw(facts.sampler, facts.sampling, facts.num_data, facts.kernel.loss_gradients)
    return losses + facts.sampling.num_chains * facts.num_probes / facts.num_data / 3


def _adapt(facts: RunFacts, num_steps: int, reserved: float) -> Generator[Request, Adapted, Warmup]:
    """Adapts until the step size settles, or one more time leaves less than `reserved` of the budget."""
    num_gradients, step_sizes, steps_left = 0.0, [], 0.0
    for _ in range(facts.sampler.max_adaptations):
        adapted = yield Adapt(num_steps)
        num_gradients += adapted.num_gradients
        step_sizes.append(adapted.hyper["step_size"])
        steps_left = float(np.max(adapted.hyper.get("steps_left", 0.0)))
        if len(step_sizes) > 1 and abs(np.diff(np.log([np.median(size) for size in step_sizes[-2:]]))[0]) < SETTLED:
            break
        if num_gradients + adapted.num_gradients + reserved > facts.sampling.budget.num_gradients:
            break
    return Warmup(num_gradients, step_sizes[-1], steps_left)


def choose_steps_per_draw(facts: RunFacts) -> int:
    """Returns the steps between draws: as given, or so many that evaluating the loss adds a third to their cost."""
    return num_steps_per_draw(facts.sampler, facts.sampling, facts.num_data, facts.kernel.loss_gradients)


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
