"""The state of a calibration, and the draws at one step that it judges by."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from llcray.llc.draws import Draws
from llcray.llc.step_bias import HEAT_PRIOR, NOISE_PRIOR, SEEN_SHARE, Level, expected_sd, loosened
from llcray.llc.summary import spread_of_chains, spread_of_means, standard_error, summarize
from llcray.samplers.auto import Auto
from llcray.samplers.kernel import Hyper
from llcray.sampling.budget import FEWEST, SCALE_GRADIENTS, chain_curvature_gradients, power_of_two_at_most
from llcray.sampling.schedules.hand_set import draw_gradients
from llcray.sampling.schedules.requests import RunFacts, Start

MIN_DAMPING, MAX_DAMPING = 0.05, 0.3
MAX_RESTARTS, SHRINK = 6, 0.25
SMALLEST_RATIO, LARGEST_RATIO = 0.02, 0.5
"""Bounds of h^2 of the production over that of the burn-in: far enough apart for a second level."""
BLOCK_DRAWS, FIRST_BLOCKS, LEAST_BLOCKS = 32, 4, 9
"""Draws of a block, the blocks that an estimate is first made of, and the fewest of a run, its calibration included."""
CURVATURE_BUDGET = 0.2
"""Share of the budget that one measurement of curvature may cost."""
BURN_IN_SHARE = 4
"""The first quarter of each stretch is not kept."""
MOST_COOLING = 5
"""Eighths of a production that may be given to chains that cool."""
PRODUCTION_BLOCKS = 2
"""Blocks that a production has at least: what comes before it leaves the gradients for them."""


@dataclass
class Calibration:
    """The state of a calibration: the numbers in force, the work so far, and the decisions.

    Attributes:
        sampler: The sampler, with the gradient chosen by now.
        squared_step: h^2.
        localization: gamma.
        block_draws: Draws of a block.
        num_gradients: Work of all chains.
        num_restarts: Restarts after a block blew up.
        bias_is_unknown: Whether the budget did not pay for the noise of gradients where heat does not predict the bias.
        decisions: Decisions with the numbers they rest on, in order; JSON-ready.
    """

    sampler: Auto
    squared_step: float
    localization: float
    block_draws: int = BLOCK_DRAWS
    num_gradients: float = 0.0
    num_restarts: int = 0
    bias_is_unknown: bool = False
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

    def batch_size(self, num_data: int) -> int:
        """Returns the examples of a gradient."""
        return min(self.sampler.examples_per_gradient, num_data)

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
        seen_share: Share of the heat that the loss sees, where it was measured; None: the usual one.
    """

    raw: np.ndarray
    heat: np.ndarray
    noise: np.ndarray | None = None
    seen_share: float | None = None

    @property
    def level(self) -> Level:
        """The mean of raw and the predicted bias, with their errors."""
        if self.noise is None:
            # Momenta that discretisation cools leave positions exact (Leimkuhler & Matthews 2013): no bias below zero.
            heat, heat_se = max(self.heat.mean(), 0.0), standard_error(self.heat)
            bias, bias_se = self._share * heat, self._share * heat_se
        else:
            bias, bias_se = self.noise.mean(), spread_of_chains(self.noise[:, None])
        return Level(float(self.raw.mean()), _standard_error(self.raw), float(bias), float(bias_se))

    @property
    def prior_sd(self) -> float:
        """The uncertainty of the prediction before a second step was sampled, as a share of it."""
        return HEAT_PRIOR if self.has_usual_share else NOISE_PRIOR

    @property
    def has_usual_share(self) -> bool:
        """Whether heat predicts the bias, and the loss sees the usual share of it."""
        return self.noise is None and self.seen_share is None

    @property
    def _share(self) -> float:
        return SEEN_SHARE if self.seen_share is None else self.seen_share

    def bias_of_draws(self, factor: float) -> np.ndarray:
        """The predicted bias of each draw, times a factor."""
        if self.noise is None:
            return factor * self._share * self.heat
        return np.full(self.raw.shape, factor * self.noise.mean())


def fit_block(facts: RunFacts) -> int:
    """Returns the draws of a block: 32, or a power of two of which the budget holds the fewest blocks of a run."""
    budget = facts.sampling.budget
    left = budget.num_gradients - SCALE_GRADIENTS - curvature_gradients(facts)
    affordable = min(int(left / draw_gradients(facts) / LEAST_BLOCKS), budget.num_draws // FIRST_BLOCKS)
    return min(BLOCK_DRAWS, power_of_two_at_most(max(affordable, FEWEST)))


def curvature_gradients(facts: RunFacts) -> float:
    """Returns the cost of the curvature at all chains; 0 where the budget is too small to measure it."""
    cost = facts.sampling.num_chains * chain_curvature_gradients(facts.num_data)
    return cost if cost <= CURVATURE_BUDGET * facts.sampling.budget.num_gradients else 0.0


def pays(facts: RunFacts, calibration: Calibration, cost: float, num_blocks: int) -> bool:
    """Returns whether the budget pays `cost` and so many blocks after it."""
    blocks = num_blocks * calibration.block_draws * draw_gradients(facts)
    return calibration.num_gradients + cost + blocks <= facts.sampling.budget.num_gradients


def choose_share(hot: Stretch, facts: RunFacts, calibration: Calibration) -> float:
    """Returns the bias to sample with, as a share of the LLC."""
    asked = facts.sampling.until.relative_mcse
    return min(calibration.sampler.max_heat, cheapest_bias(asked, _expected_sd(hot, asked)))


def cheapest_bias(error: float, sd: float) -> float:
    """Returns the bias at which an error is reached with the least work.

    Work in proportion to 1/(x (T^2 - c^2 x^2)), T the error and c x what is uncertain of a bias x, is least where

        c x = T/sqrt(3),

    where that uncertainty is a third of the squared error.

    Args:
        error: T; the bias has its unit.
        sd: c, the uncertainty of a bias as a share of it.
    """
    return error / (np.sqrt(3) * sd)


def _expected_sd(hot: Stretch, relative_error: float) -> float:
    """What will be uncertain of the bias, as a share of it, once a production is known to a share of the LLC.

    Where the noise of gradients predicts the bias, that is what is known beforehand: the noise of another step is
    measured anew.
    """
    if not hot.has_usual_share:
        return hot.prior_sd
    level = hot.level
    llc = max(level.raw - level.bias, 1.0)
    error = llc * relative_error
    return expected_sd(hot.prior_sd, loosened(level), cheapest_bias(error, hot.prior_sd), error)


def affordable_share(hot: Stretch, facts: RunFacts, calibration: Calibration) -> float:
    """Returns the bias, as a share of the LLC, at which the rest of the budget gives the least error.

    At a bias of f lambda, with f_0, G_0 and s_0 the share, the gradients and the standard error of the burn-in, G
    gradients leave

        s_0^2 (G_0/G) (f_0/f) + (c f lambda)^2,    c what is uncertain of the bias,

    which is least where f^3 = s_0^2 (G_0/G) f_0/(2 c^2 lambda^2).
    """
    level, left = hot.level, facts.sampling.budget.num_gradients - calibration.num_gradients
    llc = level.raw - level.bias
    if llc <= 0 or level.bias <= 0 or left <= 0:
        return 0.0
    work = hot.raw.shape[1] * draw_gradients(facts) / ((1 - 1 / BURN_IN_SHARE) * left)
    return float(np.cbrt(level.raw_se**2 * work * level.bias / (2 * hot.prior_sd**2 * llc**3)))


def stretch_of(draws: Draws, facts: RunFacts, num_discarded: int | None = None) -> Stretch:
    """Returns the healthy chains' draws at one step.

    Args:
        draws: All draws at that step.
        facts: Facts of the run.
        num_discarded: Draws left out at the beginning; None: the first quarter.
    """
    kept = draws.after(draws.num_draws // BURN_IN_SHARE if num_discarded is None else num_discarded)
    healthy = kept.of_chains(kept.healthy) if kept.healthy.any() else kept
    return Stretch(facts.n_beta * healthy.centered_loss, healthy.heat)


def draws_until_cool(raw: np.ndarray) -> int:
    """Returns the first draws that are not kept: a quarter, and more while the draws after them fall.

    Chains come to a production hotter than its step makes them, and what is left of that would be part of the mean.

    Args:
        raw: n beta (L - L*), shape (chain, draw), nats.
    """
    num_draws = raw.shape[1]
    for eighths in range(8 // BURN_IN_SHARE, MOST_COOLING):
        if not _falls(raw[:, num_draws * eighths // 8 :]):
            return num_draws * eighths // 8
    return num_draws * MOST_COOLING // 8


def _falls(raw: np.ndarray) -> bool:
    """Whether the first third lies above the rest by a standard error of their difference, as chains say it."""
    third = raw.shape[1] // 3
    if len(raw) == 1 or third == 0:
        return False
    above = raw[:, :third].mean(axis=1) - raw[:, third:].mean(axis=1)
    return bool(above.mean() > spread_of_chains(above[:, None]))


def _standard_error(raw: np.ndarray) -> float:
    """Monte Carlo error, no smaller than the spread of the means of chains and of half chains says."""
    summary = summarize(raw)
    floor = 1e-9 + 1e-6 * abs(float(raw.mean()))
    return max(spread_of_means(raw, summary.ess_bulk), summary.mcse if np.isfinite(summary.mcse) else 0.0, floor)


def restart(facts: RunFacts, calibration: Calibration, reason: str) -> Start:
    """Returns the request that starts all chains again with a smaller step, and records why."""
    calibration.squared_step *= SHRINK
    calibration.num_restarts += 1
    calibration.record(reason)
    return Start(calibration.localization, calibration.hyper(facts.sampling.num_chains))


def blew_up(draws: Draws, facts: RunFacts) -> bool:
    """Whether a chain is non-finite, or its loss is far above what a minimum of this many parameters allows."""
    if not draws.healthy.all():
        return True
    return bool((facts.n_beta * draws.centered_loss[:, -1] > 2.0 * facts.num_sampled_params + 10.0).any())
