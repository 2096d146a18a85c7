"""What a sampling schedule may ask of the engine, and what it gets back.

A schedule is a coroutine: it yields a request, receives the answer, and returns a `Sampled` at the end. It sees NumPy
only and decides for one run; the engine answers the like requests of many runs with one compiled program.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from llcray.llc.draws import Draws
from llcray.samplers.kernel import Kernel, SamplerVariant
from llcray.sampling.spec import SamplingSpec

Hyper = dict[str, np.ndarray]
Phase = Literal["calibrating", "sampling"]


@dataclass(frozen=True)
class RunFacts:
    """What a schedule knows of its run.

    Attributes:
        sampler: The sampler's spec.
        kernel: The sampler, built.
        sampling: Chains, criteria, budget.
        localization: gamma.
        num_data: n.
        num_sampled_params: d.
        n_beta: n times the inverse temperature.
        curvature: Largest curvature of n beta L_n near w*; NaN where nothing is measured in it.
    """

    sampler: SamplerVariant
    kernel: Kernel
    sampling: SamplingSpec
    localization: float
    num_data: int
    num_sampled_params: int
    n_beta: float
    curvature: float


@dataclass(frozen=True)
class Start:
    """(Re)start all chains at w* with this localization and these numbers, each of shape (chain, ...); with another
    kernel if one is given. Answer: None."""

    localization: float
    hyper: Hyper
    kernel: Kernel | None = None


@dataclass(frozen=True)
class Adapt:
    """Let the kernel tune itself for `num_steps`. Answer: `Adapted`."""

    num_steps: int


@dataclass(frozen=True)
class Adapted:
    """The tuned numbers, shape (chain, ...), and the work of all chains."""

    hyper: Hyper
    num_gradients: float


@dataclass(frozen=True)
class Advance:
    """Take `num_draws` draws of `steps_per_draw` steps; `hyper` replaces the current numbers if given; `phase` is for
    people who watch. Answer: Draws."""

    num_draws: int
    steps_per_draw: int
    hyper: Hyper | None = None
    phase: Phase = "sampling"


@dataclass(frozen=True)
class MeasureCurvature:
    """Largest curvature of n beta L_n at each chain's position. Answer: array of shape (chain,)."""


@dataclass(frozen=True)
class MeasureNoise:
    """Variance of minibatch gradients at each chain's position (see `gradient_noise`). Answer: array of shape (chain,
    2), plain and with control variates."""

    batch_size: int


Request = Start | Adapt | Advance | MeasureCurvature | MeasureNoise


def phase_of(request: Request) -> Phase:
    """What a run does when it makes this request: draws that may be kept, or something before them."""
    return request.phase if isinstance(request, Advance) else "calibrating"


@dataclass(frozen=True)
class Sampled:
    """What a schedule ends with.

    Attributes:
        draws: All draws of the last attempt, burn-in included.
        num_warmup_draws: Draws that are not to be averaged.
        localization: gamma used.
        steps_per_draw: Steps between draws.
        step_size: Median over chains, in the sampler's own definition; NaN if it has none.
        num_gradients: All work, abandoned attempts included, full-data equivalents.
        warmup_gradients: The part not spent on kept draws.
        subtract_heat: Whether the heat is the bias of the estimate.
        restarts_exhausted: Whether no stable step size was found.
        decisions: What was decided and why, in order; JSON-ready.
    """

    draws: Draws
    num_warmup_draws: int
    localization: float
    steps_per_draw: int
    step_size: float
    num_gradients: float
    warmup_gradients: float
    subtract_heat: bool = False
    restarts_exhausted: bool = False
    decisions: list[dict[str, Any]] = field(default_factory=list)


Schedule = Generator[Request, Any, Sampled]
