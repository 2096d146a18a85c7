"""The schedule of `kind: auto`: finds a step size on the chain itself, then samples until the estimate is good.

1. gamma is a few thousandths of the largest curvature of n beta L_n near w* (see `llcray.posterior.density`).
2. Pilot blocks find the step size. It follows the largest curvature met *on the chain*, which grows away from w*, and
   shrinks until the measured heat, the predicted bias, is a small share of the estimate. After a block that blows up,
   the chains start again with a quarter of h^2.
3. Production doubles the number of draws, of which the last half is kept, until the criteria hold and the mean has
   stopped moving, or the budget ends.

The heat is subtracted from the estimate. Every decision is recorded.
"""

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from llcray.llc.draws import Draws, concatenate
from llcray.llc.summary import Summary, standard_error, subtract_bias
from llcray.samplers.auto import Auto
from llcray.samplers.kernel import Hyper, build_kernel
from llcray.sampling.curvature import CURVATURE_GRADIENTS, SCALE_GRADIENTS
from llcray.sampling.gradient_noise import BATCH_GRADIENTS
from llcray.sampling.schedules.hand_set import choose_steps_per_draw
from llcray.sampling.schedules.requests import (
    Advance,
    MeasureCurvature,
    MeasureNoise,
    Request,
    RunFacts,
    Sampled,
    Schedule,
    Start,
)

MIN_DAMPING, MAX_DAMPING = 0.05, 0.3
PILOT_DRAWS, FIRST_BLOCKS = 32, 4
MAX_PILOTS, MAX_RESTARTS = 10, 6
SHRINK, MIN_CHANGE, MAX_GROWTH = 0.25, 0.35, 1.5
SETTLED = 0.3
# Control variates cost two gradients instead of one.
WORTHWHILE_NOISE = 0.5
# Production restarts with a smaller step when its heat exceeds this many times the allowed share.
HEAT_SLACK = 1.5


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

    def hyper(self, num_chains: int) -> Hyper:
        """Returns the kernel's numbers, one per chain."""
        step_size = np.sqrt(self.squared_step)
        return {"step_size": np.full(num_chains, step_size), "damping": np.full(num_chains, self.damping)}

    def record(self, action: str, **numbers: float) -> None:
        """Adds a decision to the record."""
        rounded = {name: float(f"{number:.4g}") for name, number in numbers.items()}
        self.decisions.append({"action": action, **rounded, "step_size": float(f"{np.sqrt(self.squared_step):.4g}")})


def calibrated(facts: RunFacts, sampler: Auto) -> Schedule:
    """Calibrates and samples one run.

    Args:
        facts: Facts of the run.
        sampler: The run's sampler, with the bounds on heat and curvature to keep to.
    """
    localization = facts.localization
    squared_step = sampler.curvature_share / (facts.curvature + localization)
    calibration = Calibration(sampler, squared_step, localization, SCALE_GRADIENTS)
    calibration.record("start", curvature=facts.curvature, localization=localization, damping=calibration.damping)
    yield Start(localization, calibration.hyper(facts.sampling.num_chains), facts.kernel)
    facts = yield from _pilot(facts, calibration)
    return (yield from _produce(facts, calibration))


def _pilot(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, RunFacts]:
    """Finds the step size and chooses the gradient; returns the facts with that choice."""
    num_chains, steps_per_draw = facts.sampling.num_chains, choose_steps_per_draw(facts)
    slopes: list[tuple[float, float]] = []
    for _ in range(MAX_PILOTS):
        draws: Draws = yield Advance(PILOT_DRAWS, steps_per_draw, calibration.hyper(num_chains), "calibrating")
        calibration.num_gradients += float(np.nansum(draws.num_gradients))
        if _blew_up(draws, facts):
            if calibration.num_restarts == MAX_RESTARTS:
                return facts
            yield _restart(facts, calibration, "restart: the pilot blew up")
            continue
        curvature = float(np.percentile((yield MeasureCurvature()), 75))
        calibration.num_gradients += num_chains * CURVATURE_GRADIENTS
        late = draws.after(PILOT_DRAWS // 2)
        slopes.append(
            (late.heat.mean() / calibration.squared_step, standard_error(late.heat) / calibration.squared_step)
        )
        heat, heat_se = (slope * calibration.squared_step for slope in _recent_mean(slopes))
        llc = facts.n_beta * late.centered_loss.mean()
        steepest = max(curvature, 0.1 * facts.curvature) + calibration.localization
        wanted = calibration.sampler.curvature_share / steepest
        allowed = calibration.sampler.max_heat * max(llc - heat, 1.0)
        if heat > 2 * heat_se:
            # At this h^2 the heat would be all that is allowed.
            wanted = min(wanted, calibration.squared_step * max(allowed / heat, MIN_CHANGE))
        wanted = min(wanted, MAX_GROWTH * calibration.squared_step)
        settled = abs(wanted / calibration.squared_step - 1) < SETTLED
        calibration.squared_step = wanted
        calibration.record("pilot", llc=llc, heat=heat, heat_se=heat_se, curvature=curvature)
        if heat - 2 * heat_se > allowed and calibration.sampler.gradient == "auto":
            kernel = facts.kernel
            facts = yield from _choose_gradient(facts, calibration)
            if facts.kernel is not kernel:
                settled, slopes = False, []
        if settled:
            break
    return facts


def _recent_mean(slopes: list[tuple[float, float]]) -> tuple[float, float]:
    """Returns the mean of heat/h^2, which does not depend on h, and its standard error.

    Earlier blocks were nearer to w*: each weighs half as much as the next.
    """
    values, errors = np.array(slopes).T
    weights = 0.5 ** np.arange(len(values))[::-1] / np.maximum(errors, 1e-12 + 1e-6 * np.abs(values)) ** 2
    weights /= weights.sum()
    return float(weights @ values), float(np.sqrt(weights**2 @ errors**2))


def _choose_gradient(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, RunFacts]:
    """Chooses control variates where their lower noise repays twice the work; chains then start again."""
    sampler = calibration.sampler
    num_chains, batch_size = facts.sampling.num_chains, sampler.examples_per_gradient
    noise = np.mean((yield MeasureNoise(batch_size)), axis=0)
    calibration.num_gradients += num_chains * BATCH_GRADIENTS * min(1.0, batch_size / facts.num_data)
    share = float(noise[1] / noise[0])
    gradient = "control_variate" if share < WORTHWHILE_NOISE else "minibatch"
    calibration.record(f"gradient: {gradient}", control_variate_noise=share)
    calibration.sampler = chosen = sampler.model_copy(update={"gradient": gradient})
    if gradient == "minibatch":
        return replace(facts, sampler=chosen)
    facts = replace(facts, sampler=chosen, kernel=build_kernel(chosen))
    yield Start(calibration.localization, calibration.hyper(num_chains), facts.kernel)
    return facts


def _produce(facts: RunFacts, calibration: Calibration) -> Generator[Request, Any, Sampled]:
    num_chains, steps_per_draw = facts.sampling.num_chains, choose_steps_per_draw(facts)
    budget = facts.sampling.budget
    blocks: list[Draws] = []
    goal, previous = _first_goal(facts, calibration), float("nan")
    while True:
        out_of_budget = False
        while len(blocks) < goal and not out_of_budget:
            blocks.append((yield Advance(PILOT_DRAWS, steps_per_draw, calibration.hyper(num_chains))))
            cost = float(np.nansum(blocks[-1].num_gradients))
            calibration.num_gradients += cost
            out_of_budget = calibration.num_gradients + cost > budget.num_gradients
            if _blew_up(blocks[-1], facts) and calibration.num_restarts < MAX_RESTARTS and not out_of_budget:
                yield _restart(facts, calibration, "restart: a block blew up")
                blocks, goal, previous = [], _first_goal(facts, calibration), float("nan")
        draws = concatenate(blocks)
        kept = draws.after(draws.num_draws // 2)
        summary = _summary(kept, facts)
        calibration.record(
            "doubling",
            num_draws=draws.num_draws,
            llc=summary.mean,
            mcse=summary.mcse,
            rhat=summary.rhat,
            heat=kept.heat.mean(),
        )
        moved, previous = abs(summary.mean - previous), summary.mean
        if out_of_budget or 2 * draws.num_draws > budget.num_draws or not draws.healthy.all():
            break
        if _too_hot(kept, summary, calibration.sampler.max_heat) and calibration.num_restarts < MAX_RESTARTS:
            calibration.squared_step *= max(calibration.sampler.max_heat * summary.mean / kept.heat.mean(), MIN_CHANGE)
            calibration.num_restarts += 1
            calibration.record("smaller step: too hot")
            blocks, goal, previous = [], _first_goal(facts, calibration), float("nan")
            continue
        if _good_enough(summary, moved, facts):
            break
        goal *= 2
    return _sampled(draws, steps_per_draw, calibration)


def _first_goal(facts: RunFacts, calibration: Calibration) -> int:
    """Returns the number of blocks of the first production run.

    The flattest directions relax once within it, if a quarter of the budget allows that: all chains start at w*, so
    they agree with each other long before those directions have spread.
    """
    relaxation = calibration.damping / (calibration.squared_step * max(calibration.localization, 1e-12))
    cost_per_step = facts.sampler.gradients_per_step(facts.num_data) * facts.sampling.num_chains
    affordable = 0.25 * facts.sampling.budget.num_gradients / cost_per_step
    steps_per_block = PILOT_DRAWS * choose_steps_per_draw(facts)
    return max(FIRST_BLOCKS, int(np.ceil(min(relaxation, affordable) / steps_per_block)))


def _sampled(draws: Draws, steps_per_draw: int, calibration: Calibration) -> Sampled:
    num_warmup_draws = draws.num_draws // 2
    return Sampled(
        draws=draws,
        num_warmup_draws=num_warmup_draws,
        localization=calibration.localization,
        steps_per_draw=steps_per_draw,
        step_size=float(np.sqrt(calibration.squared_step)),
        num_gradients=calibration.num_gradients,
        warmup_gradients=calibration.num_gradients - float(np.nansum(draws.after(num_warmup_draws).num_gradients)),
        subtract_heat=True,
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


def _too_hot(kept: Draws, summary: Summary, max_heat: float) -> bool:
    heat = kept.heat.mean() - 2 * standard_error(kept.heat)
    return bool(heat > HEAT_SLACK * max_heat * max(summary.mean, 1.0))


def _good_enough(summary: Summary, moved: float, facts: RunFacts) -> bool:
    until = facts.sampling.until
    small = summary.mcse <= until.relative_mcse * abs(summary.mean)
    return bool(
        small and summary.rhat <= until.rhat and moved <= max(until.relative_mcse * abs(summary.mean), 2 * summary.mcse)
    )


def _summary(kept: Draws, facts: RunFacts) -> Summary:
    healthy = kept.of_chains(kept.healthy)
    return subtract_bias(facts.n_beta * healthy.centered_loss, healthy.heat)
