"""What a sampler is to the rest of llcray: pure functions on one chain, and what a step reports.

Everything is written for one chain of one run; the caller vmaps over chains and runs. The numbers a sampler is tuned by
(step sizes, ...) travel as the traced dict `hyper`, so sweeping them compiles nothing anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

from llcray.types import Array
from llcray.variant import Variant

State = Any
Hyper = dict[str, Array]
Precision = Literal["float32", "float64"]


class StepInfo(NamedTuple):
    """What one step of one chain reports; NaN where a sampler has no such notion.

    Attributes:
        num_gradients: Work in full-data-equivalent gradients.
        acceptance_rate: Metropolis acceptance probability, 0 to 1.
        energy: Hamiltonian of the state, nats.
        energy_change: Energy error of the step, nats.
        heat: Estimate, in nats, of the bias of the LLC that discretisation and gradient noise cause.
        is_divergent: Whether the integrator left its stable region.
    """

    num_gradients: Array
    acceptance_rate: Array
    energy: Array
    energy_change: Array
    heat: Array
    is_divergent: Array


@dataclass(frozen=True, eq=False)
class Kernel:
    """One sampler, built: functions of one chain. Compared by identity, so build it once per static spec.

    Attributes:
        init: `(rng_key, position, posterior, hyper) -> state`.
        step: `(rng_key, state, posterior, hyper) -> (state, StepInfo)`.
        position: `(state, posterior, hyper) -> (d,)` coordinates in the posterior's own scale.
        centered_loss: `(state, posterior, hyper) -> L_n(w) - L_n(w*)` over the full data.
        loss_gradients: Cost of `centered_loss` in full-data-equivalent gradients (1/3 for a forward pass, 0 if free).
        initial_jitter: Chains start at w* plus this many posterior scales (1/sqrt of the largest curvature) of noise.
        max_adaptations: Adaptation is repeated, from where the chains have got to, until the step size settles, at most
            this often: what is tuned at w* does not suit the steeper places a singular posterior leads to.
        adapt: `(rng_key, state, posterior, hyper, num_steps) -> (state, hyper, num_gradients)`, or None.
    """

    init: Callable[..., State]
    step: Callable[..., tuple[State, StepInfo]]
    position: Callable[..., Array]
    centered_loss: Callable[..., Array]
    loss_gradients: float
    initial_jitter: float = 0.0
    max_adaptations: int = 1
    adapt: Callable[..., tuple[State, Hyper, Array]] | None = None


class SamplerVariant(Variant):
    """Base of every sampler spec.

    A subclass lists in `traced` the numeric fields that may change without compiling anew, and builds its kernel from
    the others. `precision` is the floating-point type its chains live in. `bias_order` is the power of the step size
    that the bias is proportional to; None where nothing is known to extrapolate. `needs_curvature` says whether it
    measures anything in the largest curvature at w*.
    """

    traced: ClassVar[tuple[str, ...]] = ()
    precision: ClassVar[Precision] = "float64"
    bias_order: ClassVar[float | None] = None
    needs_curvature: ClassVar[bool] = True

    def build(self) -> Kernel:
        """The kernel. Only the fields that are not `traced` may be read here."""
        raise NotImplementedError

    def schedule(self, facts: Any) -> Any:
        """The coroutine that runs one estimate (see `llcray.sampling.schedules.requests`), given its `RunFacts`."""
        from llcray.sampling.schedules.hand_set import hand_set

        return hand_set(facts)

    @property
    def caveat(self) -> str | None:
        """What a reader of its estimates should know, if anything."""
        return None

    def finer(self) -> "SamplerVariant":
        """The sampler with about half its step-size bias, for samplers that have a `bias_order`."""
        raise NotImplementedError

    def hyper(self) -> dict[str, float]:
        """The traced numbers."""
        return {name: float(getattr(self, name)) for name in self.traced}

    def static_key(self) -> tuple[Any, ...]:
        """What the compiled program depends on: two samplers with equal keys share it."""
        fields = sorted(set(type(self).model_fields) - set(self.traced))
        return (type(self).__name__, *((name, getattr(self, name)) for name in fields))

    def gradients_per_step(self, num_data: int) -> float:
        """Expected cost of a step in full-data-equivalent gradients."""
        raise NotImplementedError
