"""The contract of a sampler: the spec that a user writes, the kernel built from it, and the report of a step.

A kernel holds pure functions of one chain of one run; the caller vmaps them over chains and runs. The numbers that a
sampler is tuned by (step sizes, ...) travel as the traced dict `hyper`, so that sweeping them compiles nothing anew.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from llcray.array_types import Array
from llcray.variant import Variant

State: TypeAlias = Any
"""The state of one chain: a pytree of arrays that the kernel chooses."""
Hyper: TypeAlias = dict[str, Array]
"""The numbers that a sampler is tuned by, by name; outside of a kernel each has a leading axis of chains."""
Precision = Literal["float32", "float64"]
GRADIENTS_PER_PRODUCT = 2.0
"""Cost of a Hessian-vector product, in full-data-equivalent gradients."""

NO_PREDICTION = (
    "the sampler neither rejects nor predicts what its step size and gradient noise do to the estimate (from -9% to "
    "+190% was seen). Use auto or baoab, or take llc_richardson of sampling: {richardson: true}"
)
"""The caveat of samplers whose step-size bias nothing tells."""


class StepInfo(NamedTuple):
    """The report of one step of one chain; NaN where a sampler has no such notion.

    Attributes:
        num_gradients: Work in full-data-equivalent gradients.
        acceptance_rate: Metropolis acceptance probability, 0 to 1.
        energy: Hamiltonian of the state, nats.
        energy_change: Energy error of the step, nats.
        heat: Estimate, in nats, of the bias of the LLC that discretisation and gradient noise cause.
        virial: (w - w*)'grad U at a position of the step, U = -log p; gradients may be of minibatches that do not
            depend on the position. Its mean under the posterior is d.
        is_divergent: Whether the integrator left its stable region.
    """

    num_gradients: Array
    acceptance_rate: Array
    energy: Array
    energy_change: Array
    heat: Array
    virial: Array
    is_divergent: Array


@dataclass(frozen=True, eq=False)
class Kernel:
    """A sampler, built: functions of one chain. Kernels compare by identity; `build_kernel` builds each once.

    Attributes:
        init: `(rng_key, position, posterior, hyper) -> state`.
        step: `(rng_key, state, posterior, hyper) -> (state, StepInfo)`.
        position: `(state, posterior, hyper) -> (d,)`, coordinates in the posterior's own scale.
        centered_loss: `(state, posterior, hyper) -> L_n(w) - L_n(w*)`, over the full data.
        loss_gradients: Cost of `centered_loss` in full-data-equivalent gradients (1/3 for a forward pass, 0 if free).
        initial_jitter: Distance of a chain's start from w*, as a multiple of normal noise of the posterior's scale
            (1/sqrt of the largest curvature).
        adapt: `(rng_key, state, posterior, hyper, num_steps) -> (state, hyper, num_gradients)`, or None.
        adapts_once: Whether the first chain adapts for all chains of a run.
        log_weight: `(state) -> log of the posterior's over the proposal's density` up to a constant, for kernels whose
            steps are independent draws of a proposal; None for Markov chains.
        log_volumes: `(state) -> log of a ray's volume below each epsilon of a ladder`; None where there are no rays.
    """

    init: Callable[..., State]
    step: Callable[..., tuple[State, StepInfo]]
    position: Callable[..., Array]
    centered_loss: Callable[..., Array]
    loss_gradients: float
    initial_jitter: float = 0.0
    adapt: Callable[..., tuple[State, Hyper, Array]] | None = None
    adapts_once: bool = False
    log_weight: Callable[[State], Array] | None = None
    log_volumes: Callable[[State], Array] | None = None


class SamplerVariant(Variant):
    """The base of every sampler spec. A sampler knows how to step; `llcray.sampling` decides for how long.

    Attributes:
        traced: Names of the numeric fields that may change without compiling anew; the kernel is built from the others.
        of_schedule: Names of further fields that the kernel is not built from: a schedule alone reads them.
        precision: Floating-point type that the chains live in.
        bias_order: Power of the step size that the bias is proportional to; None where no such power is known.
        needs_curvature: Whether the sampler measures anything in the largest curvature at w*.
        knows_its_cost: Whether a run stays within its budget; a fit takes what it takes.
        ends_its_warmup: Whether the warmup ends by itself, at the latest after the steps that it is given.
        num_calibration_blocks: Blocks of draws, at least, that are taken before the first one whose draws may be kept.
        draws_are_means: Whether a draw is a mean over many positions, whose spread is less than the posterior's.
        fewest_params: Least d that the sampler can move in.
    """

    traced: ClassVar[tuple[str, ...]] = ()
    of_schedule: ClassVar[tuple[str, ...]] = ()
    precision: ClassVar[Precision] = "float64"
    bias_order: ClassVar[float | None] = None
    needs_curvature: ClassVar[bool] = True
    knows_its_cost: ClassVar[bool] = True
    ends_its_warmup: ClassVar[bool] = False
    num_calibration_blocks: ClassVar[int] = 0
    draws_are_means: ClassVar[bool] = False
    fewest_params: ClassVar[int] = 1

    def build(self) -> Kernel:
        """Builds the kernel from the fields that are not `traced`."""
        raise NotImplementedError

    @property
    def caveat(self) -> str | None:
        """A bias of every estimate of this sampler that no prediction has in it, and what helps; None without one."""
        return None

    def unsuited(self, localization: float, num_sampled_params: int) -> str | None:
        """Says why the sampler cannot sample a posterior, and what helps; None where it can.

        Args:
            localization: gamma; NaN where it is not known yet.
            num_sampled_params: d.
        """
        del localization
        if num_sampled_params < self.fewest_params:
            kind = getattr(self, "kind", type(self).__name__)
            sampled = f"{num_sampled_params} of the {self.fewest_params} parameters that it needs"
            return f"sampler {kind} is given {sampled}. Use auto or hmc"
        return None

    def finer(self) -> "SamplerVariant":
        """Returns the sampler with about half its step-size bias, for samplers that have a `bias_order`."""
        raise NotImplementedError

    def hyper(self) -> dict[str, float]:
        """Returns the traced numbers by name."""
        return {name: float(getattr(self, name)) for name in self.traced}

    def static_key(self) -> tuple[Hashable, ...]:
        """Returns the part of the spec that a compiled program depends on: samplers of equal keys share programs."""
        fields = sorted(set(type(self).model_fields) - {*self.traced, *self.of_schedule})
        return (type(self).__name__, *((name, getattr(self, name)) for name in fields))

    def gradients_per_step(self, num_data: int) -> float:
        """Returns the expected cost of a step in full-data-equivalent gradients."""
        raise NotImplementedError

    def most_gradients_per_step(self, num_data: int) -> float:
        """Returns the most that a step costs, full-data-equivalent gradients; the expected cost where it is fixed."""
        return self.gradients_per_step(num_data)

    @property
    def max_adaptations(self) -> int:
        """How often warmup is repeated at most, until the step size settles; 0 for samplers without warmup.

        A step size tuned at w* does not suit the steeper places that a singular posterior leads to.
        """
        return 0

    def warmup_gradients(self, num_steps: int, num_data: int) -> float:
        """Returns the cost of one warmup of one chain in full-data-equivalent gradients."""
        return num_steps * self.gradients_per_step(num_data)

    def bounded(self, most_gradients: float) -> "SamplerVariant":
        """Returns the sampler with steps of at most so many gradients, or of as few as it may have.

        Samplers whose steps cost a fixed number are returned as they are.
        """
        del most_gradients
        return self


_kernels: dict[tuple[Hashable, ...], Kernel] = {}


def build_kernel(sampler: SamplerVariant) -> Kernel:
    """Returns the kernel of a sampler; samplers that differ in traced numbers alone share one."""
    key = sampler.static_key()
    if key not in _kernels:
        _kernels[key] = sampler.build()
    return _kernels[key]
