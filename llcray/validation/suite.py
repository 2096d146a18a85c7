"""The suite: targets with known answers, the samplers that each is given, and how long they may run. No JAX."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from llcray.architectures import MLP
from llcray.architectures.network import Activation
from llcray.data import Gaussian
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import (
    HMC,
    MALA,
    MCLMC,
    NUTS,
    SGLD,
    AdjustedMCLMC,
    Auto,
    Laplace,
    LocalVolume,
    Sampler,
    TemperedSMC,
    Variational,
)
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.spec import RunSpec
from llcray.targets import (
    DeepLinearTarget,
    EvenPowersTarget,
    NormalCrossingTarget,
    QuadraticTarget,
    RandomDeepLinearTarget,
    RealisableTarget,
    SuperpositionTarget,
    TargetSpec,
)
from llcray.validation.networks import networks

Size = Literal["quick", "default", "full", "random", "networks", "routes"]
SIZES: tuple[Size, ...] = ("quick", "default", "full", "random", "networks", "routes")
ALL = ("auto", "sgld", "hmc", "mclmc")
ROUTES = ("auto", "hmc", "tempered_smc", "laplace", "variational", "local_volume")
"""Ways to an LLC that share little but the posterior: Langevin and Hamiltonian chains, particles, weights, volumes."""
SAMPLERS: dict[Size, tuple[str, ...]] = {
    "quick": ("auto",),
    "default": ALL,
    "full": ALL,
    "random": ("auto",),
    "networks": ("auto",),
    "routes": ROUTES,
}
QUICK = SamplingSpec(until=StoppingCriteria(relative_mcse=0.04), budget=Budget(num_gradients=5_000))
SAMPLING: dict[Size, SamplingSpec] = {
    "quick": QUICK,
    "default": SamplingSpec(),
    "full": SamplingSpec(),
    "random": SamplingSpec(),
    "networks": SamplingSpec(until=StoppingCriteria(relative_mcse=0.02, rhat=1.05)),
    "routes": SamplingSpec(budget=Budget(num_gradients=20_000)),
}
TEMPERING = SamplingSpec(budget=Budget(num_gradients=600_000, num_draws=32_768))
"""Particles that come from far away need more than chains that start at w*."""
NUM_RANDOM: dict[Size, int] = {"quick": 0, "default": 10, "full": 60, "random": 60, "networks": 0, "routes": 0}
NUM_RANDOM_NETS: dict[Size, int] = {"quick": 0, "default": 0, "full": 10, "random": 10, "networks": 0, "routes": 0}
ACTIVATIONS: tuple[Activation, ...] = ("tanh", "gelu", "relu")
UNIT_LOCALIZATION = 1.0
MANY, FEW = 20_000, 1000
# Seed of a generic 3-3-3 teacher whose second matrix has no singular value below 1.07.
WELL_CONDITIONED = 120
# Largest relative bias of a coordinate's term under SGLD, epsilon t h/4.
SGLD_BIAS = 0.01


@dataclass(frozen=True)
class Case:
    """A target with a known answer.

    Attributes:
        name: Name of the case in the table.
        target: Spec of the target.
        posterior: Inverse temperature and localization.
        stiffness: Largest curvature of the mean loss where the chain is, from which SGLD gets its step size, since it
            cannot find one. Only small targets have it; on others only samplers that scale are tried.
        by_all_routes: Whether samplers that need no stiffness are tried without one.
    """

    name: str
    target: TargetSpec
    posterior: PosteriorSpec = field(default_factory=PosteriorSpec)
    stiffness: float | None = None
    by_all_routes: bool = False

    @property
    def sgld_step_size(self) -> float:
        """The step size epsilon = 4 SGLD_BIAS/(t h) at beta = 1/log n, with h the stiffness."""
        assert self.stiffness is not None
        num_data = getattr(self.target, "num_data", 1000)
        return 4 * SGLD_BIAS * math.log(num_data) / (num_data * self.stiffness)

    def sampler(self, kind: str) -> Sampler | None:
        """The sampler of a kind, for this target; None where it is not tried.

        Raises:
            KeyError: There is no such kind in the suite.
        """
        if kind == "auto":
            return Auto()
        if kind in WEIGHTED:
            return WEIGHTED[kind] if (self.target.size.num_params or 0) <= MAX_WEIGHTED else None
        # Particles from far away take hundreds of thousands of gradients: the smallest targets alone.
        if self.stiffness is None and (kind == "tempered_smc" or not self.by_all_routes):
            return None
        return SGLD(step_size=self.sgld_step_size) if kind == "sgld" else UNTUNED[kind]


UNTUNED: dict[str, Sampler] = {
    "hmc": HMC(),
    "nuts": NUTS(),
    "mala": MALA(),
    "mclmc": MCLMC(),
    "adjusted_mclmc": AdjustedMCLMC(),
    "tempered_smc": TemperedSMC(num_particles=16),
}
WEIGHTED: dict[str, Sampler] = {"laplace": Laplace(), "variational": Variational(), "local_volume": LocalVolume()}
MAX_WEIGHTED = 2000
"""Parameters of the largest targets that independent draws with weights are tried on."""
KINDS = ("auto", "sgld", *UNTUNED, *WEIGHTED)


@dataclass(frozen=True)
class SuiteRun:
    """A run of the suite with the names of its case and of its sampler's kind."""

    case: str
    kind: str
    spec: RunSpec


def suite_runs(size: Size, kinds: Sequence[str] = ()) -> tuple[SuiteRun, ...]:
    """All runs of a size of the suite, those of a target one after another.

    Args:
        size: Size of the suite.
        kinds: Kinds of samplers, in place of those of the size.
    """
    return tuple(
        SuiteRun(case.name, kind, run_spec(case, sampler, TEMPERING if kind == "tempered_smc" else SAMPLING[size]))
        for case in cases(size)
        for kind in dict.fromkeys(kinds or SAMPLERS[size])
        if (sampler := case.sampler(kind)) is not None
    )


def run_spec(case: Case, sampler: Sampler, sampling: SamplingSpec) -> RunSpec:
    """The spec of a run of a case."""
    return RunSpec(target=case.target, posterior=case.posterior, sampler=sampler, sampling=sampling)


@cache
def cases(size: Size) -> tuple[Case, ...]:
    """The cases of a size of the suite."""
    random = (*_random_tasks(NUM_RANDOM[size]), *_random_nets(NUM_RANDOM_NETS[size]))
    match size:
        case "quick":
            return tuple(_small())
        case "default":
            return (*_small(), *_larger(), *random)
        case "full":
            return (*_small(), *_larger(), *_largest(), *random)
        case "random":
            return random
        case "networks":
            return tuple(Case(name, target) for name, target in networks())
        case "routes":
            return tuple(replace(case, by_all_routes=True) for case in (*_small(), *_between()))


def _small() -> Iterator[Case]:
    yield Case("quadratic d=20", QuadraticTarget(num_params=20), stiffness=1.0)
    yield Case("quadratic d=20 cond. 100", QuadraticTarget(num_params=20, condition_number=100), stiffness=1.0)
    yield Case("w1^2 + w2^4 + w3^6", EvenPowersTarget(powers=(2, 4, 6)), stiffness=2.0)
    yield Case("(w1 w2)^2", NormalCrossingTarget(powers=(1, 1)), _unit_localization(), stiffness=2.0)
    yield _three_by_three("aligned", FEW)
    yield _realisable("tanh", (5, 4, 3), 0)


def _larger() -> Iterator[Case]:
    yield Case("quadratic d=1000", QuadraticTarget(num_params=1000))
    yield Case("quadratic d=50 cond. 10^4", QuadraticTarget(num_params=50, condition_number=1e4))
    yield Case("20 powers 2, 4, 6, 8", EvenPowersTarget(powers=(2, 4, 6, 8) * 5))
    yield _three_by_three("generic", FEW)
    yield from (_three_by_three(teacher, MANY) for teacher in ("aligned", "generic"))
    yield Case("w2^4", NormalCrossingTarget(powers=(0, 2)), _unit_localization(), stiffness=2.0)
    yield Case("(w1 w2)^4", NormalCrossingTarget(powers=(2, 2)), _unit_localization(), stiffness=2.0)
    yield from (_realisable(activation, (5, 4, 3), 0) for activation in ACTIVATIONS[1:])
    yield from (_superposition(polygon) for polygon in (5, 6))


def _between() -> Iterator[Case]:
    """Targets of twenty to a few hundred parameters, of which exact chains still know the LLC soon."""
    yield Case("quadratic d=50 cond. 100", QuadraticTarget(num_params=50, condition_number=100), stiffness=1.0)
    yield Case("(w1 w2)^4", NormalCrossingTarget(powers=(2, 2)), _unit_localization(), stiffness=2.0)
    yield _three_by_three("generic", FEW)
    yield _realisable("relu", (5, 4, 3), 0)
    yield _superposition(6)
    yield from _random_tasks(2)


def _largest() -> Iterator[Case]:
    """Deep linear networks of ten and a hundred thousand parameters."""
    yield Case("DLN d=10^4", DeepLinearTarget(widths=(60, 90, 60), rank=20, num_data=2000))
    yield Case("DLN d=10^5", DeepLinearTarget(widths=(200, 250, 200), rank=50, num_data=2000))


def _random_tasks(number: int) -> Iterator[Case]:
    for seed in range(number):
        target = RandomDeepLinearTarget(seed=seed)
        task = target.draw()
        yield Case(f"DLN #{seed} {'-'.join(map(str, task.widths))} r{task.rank}", target)


def _random_nets(number: int) -> Iterator[Case]:
    sizes = ((5, 4, 3), (4, 6, 2), (6, 5, 5, 3), (8, 10, 4))
    for seed in range(1, number + 1):
        yield _realisable(ACTIVATIONS[seed % len(ACTIVATIONS)], sizes[seed % len(sizes)], seed)


def _unit_localization() -> PosteriorSpec:
    """The localization gamma = 1, as in the literature; the loss at w* has no scale to derive another one from."""
    return PosteriorSpec(localization=UNIT_LOCALIZATION)


def _three_by_three(teacher: Literal["aligned", "generic"], num_data: int) -> Case:
    """The deep linear network 3-3-3 of rank 1, whose lambda is 4 with an aligned teacher and 4.5 with a generic one.

    Both values are limits at fixed gamma. With few examples the smallest singular value of the generic teacher is 0.12.
    The posterior is wider than that and reaches more singular points of the same loss, so that estimates come out near
    4. With many examples that singular value is 1.07, far wider than the posterior. The automatic gamma grows with
    n beta, and presses the flat directions of the aligned teacher.
    """
    seed = WELL_CONDITIONED if num_data != FEW else 0
    target = DeepLinearTarget(widths=(3, 3, 3), rank=1, teacher=teacher, num_data=num_data, seed=seed)
    size = f" n={num_data // 1000}k" if num_data != FEW else ""
    stiffness = 2 / target.noise_scale**2 if num_data == FEW else None
    return Case(f"DLN 3-3-3 r1 {teacher}{size}", target, stiffness=stiffness)


def _realisable(activation: Activation, sizes: tuple[int, ...], seed: int) -> Case:
    num_inputs, *widths, num_outputs = sizes
    data = Gaussian(input_dimension=num_inputs, output_dimension=num_outputs)
    target = RealisableTarget(data=data, architecture=MLP(widths=tuple(widths), activation=activation), seed=seed)
    name = f"{activation} net {'-'.join(map(str, sizes))}" + (f" #{seed}" if seed else "")
    return Case(name, target)


def _superposition(polygon: int) -> Case:
    return Case(f"superposition {polygon}-gon", SuperpositionTarget(num_features=polygon, polygon=polygon))
