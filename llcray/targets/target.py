"""The target of an estimate: a parameter point, a per-example loss, and data.

This module holds the record alone; other modules build a target from a spec, train it and store it.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from llcray.array_types import LossFn, PyTree
from llcray.components.structure import Structure

TruthKind = Literal["finite_temperature", "local", "global"]


@dataclass(frozen=True)
class TrueLLC:
    """A known answer.

    Attributes:
        value: The learning coefficient, in nats (dimensionless).
        kind: `finite_temperature`: t E[L - L*] of the very posterior sampled; `local`: the LLC at w*, n to infinity;
            `global`: the minimum over all w with the same loss, a lower bound of the LLC at w*.
        source: Paper and equation, or the computation.
        multiplicity: The order m of the pole, where known.
        mcse: Monte Carlo standard error, where the value comes from a long run.
    """

    value: float
    kind: TruthKind
    source: str
    multiplicity: int | None = None
    mcse: float = 0.0


class Oracle(Protocol):
    """Knows the answer for a target. Either method may return None where nothing is known."""

    def asymptotic(self) -> TrueLLC | None:
        """The learning coefficient as n goes to infinity."""
        ...

    def at_temperature(self, n_beta: float, localization: float) -> TrueLLC | None:
        """The exact t E[L - L*] under exp(-t L - gamma/2 |w - w*|^2), t = n beta."""
        ...


@dataclass(frozen=True)
class TargetFacts:
    """Measurements of building. Losses are mean per-example nats; None stands where a notion does not apply."""

    loss_at_center: float | None = None
    gradient_norm_at_center: float | None = None
    test_loss: float | None = None
    train_accuracy: float | None = None
    test_accuracy: float | None = None
    train_reward: float | None = None
    test_reward: float | None = None
    build_seconds: float | None = None
    phase: int | None = None
    memorization_step: int | None = None
    grokking_step: int | None = None
    grokking_lag: int | None = None
    grokking_censored: bool | None = None
    prefix_matching: float | None = None
    induction_head: str | None = None


@dataclass(frozen=True)
class Target:
    """A point w* (the center), a loss and data.

    Attributes:
        params: w*, any pytree of floating-point arrays.
        loss_fn: `loss_fn(params, batch) -> (batch,)` per-example negative log-likelihoods in nats, where `batch` is a
            slice of `data`. To share compiled programs between targets it must compare equal by value.
        data: A pytree of arrays whose leading axis is the n examples.
        is_likelihood: Whether the loss is a negative log-likelihood; rows of other losses are flagged.
        oracle: The known answer, if there is one.
        facts: What building the target measured.
        structure: Numbers of layers and heads, for components such as `l0h1`; names of parameters say the rest.
        target_id: Content id; the API fills it from the bytes when the target comes from outside.
        loss_kind: What the loss is, where a target has several; column `loss_kind`.
        base: The parameters before fine-tuning, where there was one: what update sparsity is counted from.
        buffers: Arrays that the loss reads besides and that never move, such as running statistics: a pytree, which
            `loss_fn(params, batch, buffers)` is then given. They are arguments of compiled programs, not parts of them.
    """

    params: PyTree
    loss_fn: LossFn
    data: PyTree
    is_likelihood: bool = True
    oracle: Oracle | None = None
    facts: TargetFacts = field(default_factory=TargetFacts)
    target_id: str = ""
    structure: Structure | None = None
    loss_kind: str | None = None
    base: PyTree = None
    buffers: PyTree = None
