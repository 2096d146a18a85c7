"""The requests that a sampling schedule makes of the engine, and the answers it gets.

A schedule is a coroutine: it yields a request, receives the answer, and returns a `Sampled` at the end. It sees NumPy
only and decides for one run; the engine answers the like requests of many runs with one compiled program.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from llcray.llc.draws import Draws
from llcray.llc.extrapolation import Extrapolation
from llcray.llc.importance import Importance
from llcray.llc.step_bias import PredictedBias
from llcray.posterior.coordinates import Block, Coordinates
from llcray.samplers.kernel import Hyper, Kernel, SamplerVariant
from llcray.sampling.handover import Handover
from llcray.sampling.spec import SamplingSpec

Phase = Literal["calibrating", "sampling"]


@dataclass(frozen=True)
class RunFacts:
    """The facts that a schedule knows of its run.

    Attributes:
        sampler: The sampler's spec.
        kernel: The sampler, built.
        sampling: Chains, criteria, budget.
        localization: gamma.
        num_data: n.
        num_sampled_params: d.
        n_beta: n times the inverse temperature.
        curvature: Largest curvature of n beta L_n near w*; NaN where nothing is measured in it.
        num_probes: Examples whose losses are evaluated at each draw besides.
        blocks: The places of the parameter arrays among the free coordinates.
        handover: What the run at the checkpoint before hands over; None for a run that starts at w*.
    """

    sampler: SamplerVariant
    kernel: Kernel
    sampling: SamplingSpec
    localization: float
    num_data: int
    num_sampled_params: int
    n_beta: float
    curvature: float
    num_probes: int = 0
    blocks: tuple[Block, ...] = ()
    handover: Handover | None = None


@dataclass(frozen=True)
class Start:
    """Asks to start, or start again, all chains. The answer is None.

    Attributes:
        localization: gamma.
        hyper: The sampler's numbers, each of shape (chain, ...).
        kernel: The kernel to go on with; None for the present one.
        displacement: w - w* of each chain, shape (chain, d); None starts the chains at w*.
        coordinates: The coordinates that chains move in from here on; None for the present ones.
    """

    localization: float
    hyper: Hyper
    kernel: Kernel | None = None
    displacement: np.ndarray | None = None
    coordinates: Coordinates | None = None


@dataclass(frozen=True)
class Adapt:
    """Asks to let the kernel tune itself for `num_steps`. The answer is an `Adapted`."""

    num_steps: int


@dataclass(frozen=True)
class Adapted:
    """The answer to `Adapt`: the tuned numbers, each of shape (chain, ...), and the work of all chains."""

    hyper: Hyper
    num_gradients: float


@dataclass(frozen=True)
class Advance:
    """Asks for `num_draws` draws of `steps_per_draw` steps each. The answer is a `Draws`.

    Attributes:
        num_draws: Number of draws.
        steps_per_draw: Sampler steps from one draw to the next.
        hyper: Numbers that replace the present ones, each of shape (chain, ...); None keeps them.
        phase: The phase that progress reports name.
    """

    num_draws: int
    steps_per_draw: int
    hyper: Hyper | None = None
    phase: Phase = "sampling"


@dataclass(frozen=True)
class MeasureCurvature:
    """Asks for the largest curvature of n beta L_n at each chain's position. The answer has shape (chain,)."""


@dataclass(frozen=True)
class MeasureNoise:
    """Asks for the variance of minibatch gradients at each chain's position (see `gradient_noise`).

    The answer has shape (chain, 2): plain gradients, and gradients with control variates.
    """

    batch_size: int


@dataclass(frozen=True)
class MeasureSeenNoise:
    """Asks for the noise of minibatch gradients at each chain's position (see `gradient_noise.seen_noise`).

    The answer has shape (chain, 2): all of the noise, and the part that the loss sees.
    """

    batch_size: int
    uses_control_variates: bool


@dataclass(frozen=True)
class MeasureGradients:
    """Asks to go on and to average moments of gradients along the way (see `gradient_moments`).

    The answer has shape (chain, moments).

    Attributes:
        num_samples: Gradients of each chain.
        steps_between: Sampler steps from one gradient to the next.
        num_before: Sampler steps before the first of them.
        batch_size: Examples per gradient.
        blocks: Blocks whose products with themselves are wanted.
    """

    num_samples: int
    steps_between: int
    num_before: int
    batch_size: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class MeasureDisplacement:
    """Asks for w - w* of each chain. The answer has shape (chain, d)."""


Measurement = MeasureCurvature | MeasureNoise | MeasureSeenNoise | MeasureGradients | MeasureDisplacement
Request = Start | Adapt | Advance | Measurement


def phase_of(request: Request) -> Phase:
    """Returns the phase that a run is in when it makes this request: draws that may be kept, or work before them."""
    return request.phase if isinstance(request, Advance) else "calibrating"


@dataclass(frozen=True)
class Sampled:
    """The result of a schedule.

    Attributes:
        draws: All draws of the last attempt, burn-in included.
        num_warmup_draws: Draws that are not to be averaged.
        localization: gamma used.
        steps_per_draw: Steps between draws.
        step_size: Median over chains, in the sampler's own definition; NaN if it has none.
        num_gradients: All work, abandoned attempts included, full-data equivalents.
        warmup_gradients: The part not spent on kept draws.
        seen_share: Share of the heat that the loss sees.
        importance: The loss under the posterior, where `draws` are resampled from weighted ones; None for chains.
        limit: The learning coefficient as the loss falls, where the draws are rays; None elsewhere.
        budget_of_warmup: Gradients of a run whose warmup the budget did not end; NaN where it ended by itself.
        step_bias: Predicted bias of each draw, which is subtracted; None where the heat is reported and left in.
        bias_is_inconsistent: Whether the evidence for the bias disagrees beyond its errors, at the smallest step tried.
        restarts_exhausted: Whether no stable step size was found.
        decisions: Decisions with their reasons, in order; JSON-ready.
        handover: What the run at the next checkpoint may start from; None where nothing is to be handed over.
    """

    draws: Draws
    num_warmup_draws: int
    localization: float
    steps_per_draw: int
    step_size: float
    num_gradients: float
    warmup_gradients: float
    seen_share: float = 1.0
    importance: Importance | None = None
    limit: Extrapolation | None = None
    budget_of_warmup: float = float("nan")
    step_bias: PredictedBias | None = None
    bias_is_inconsistent: bool = False
    restarts_exhausted: bool = False
    decisions: list[dict[str, Any]] = field(default_factory=list)
    handover: Handover | None = None


Schedule: TypeAlias = Generator[Request, Any, Sampled]
"""A coroutine that decides for one run; what it is sent is the answer to the request it last made."""
