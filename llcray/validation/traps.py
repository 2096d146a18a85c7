"""Traps: runs that no sampler may call `ok`: far too large steps, centers that are no minima, stuck or short chains.

Each trap has verdicts that are right; an estimate of a trap with another verdict is wrong without a warning. No JAX.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import BAOAB, HMC, MCLMC, SGLD, SGNHT, Auto, Sampler
from llcray.sampling.spec import Budget, SamplingSpec
from llcray.spec import RunSpec
from llcray.targets import PythonTarget, RandomDeepLinearTarget, TargetSpec
from llcray.validation.suite import Size

NUM_PARAMS, NUM_DATA = 20, 1000
# n beta, which is the largest curvature of the posterior of a polynomial whose largest curvature is 1.
STIFFNESS = 144.8
SHORT = SamplingSpec(budget=Budget(num_gradients=3000, num_draws=1024))
# HMC takes ten gradients a draw.
LONGER = SamplingSpec(budget=Budget(num_gradients=12_000, num_draws=1024))
# The step of SGLD biases a quadratic by 2%; the underdamped step lies well inside the region of stability.
SGLD_STEP, UNDERDAMPED_STEP = 4 * 0.02 / STIFFNESS, (0.1 / STIFFNESS) ** 0.5
FOUND_LOWER_LOSS = ("escaped", "diverged")
TOO_LARGE = ("biased_step", "diverged")


@dataclass(frozen=True)
class Trap:
    """A run that must not end in `ok`.

    Attributes:
        name: Name of the trap in the table.
        spec: Spec of the run.
        right: Verdicts that name the fault.
    """

    name: str
    spec: RunSpec
    right: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The kind of the sampler."""
        return self.spec.sampler.kind


def traps() -> tuple[Trap, ...]:
    """All traps."""
    return (*_steps_too_large(), *_no_minima(), *_cannot_move(), *_have_not_spread())


def traps_of(size: Size) -> tuple[Trap, ...]:
    """The traps of a size of the suite."""
    return traps() if size in ("default", "full") else ()


def saddle(depth: float = 0.05) -> PythonTarget:
    """A saddle: nineteen directions are regular; in the last the loss falls by `depth`, and rises beyond |z| = sqrt 5.

    The regular directions raise the mean loss by more than the last one lowers it, so that the estimate is positive.
    """
    return polynomial(curvatures=(1.0,) * (NUM_PARAMS - 1) + (-0.8 * depth,), last_quartic=0.04 * depth)


def untrained() -> PythonTarget:
    """A loss with a slope at w*, whose minimum is half a unit away in every coordinate."""
    return polynomial(slope=-0.5)


def needle() -> PythonTarget:
    """A minimum narrower than the spacing of floating-point numbers at w*, in which no sampler can take a step."""
    return polynomial(curvatures=(1e36,) * NUM_PARAMS)


def regular(num_data: int = NUM_DATA) -> PythonTarget:
    """A quadratic of unit curvature, whose minimum is as it should be."""
    return polynomial(num_data=num_data)


def polynomial(
    slope: float = 0.0,
    curvatures: tuple[float, ...] = (1.0,) * NUM_PARAMS,
    quartic: float = 0.0,
    last_quartic: float | None = None,
    num_data: int = NUM_DATA,
) -> PythonTarget:
    """A target of `llcray.validation.polynomial` whose w* is 1 in every coordinate."""
    terms = (quartic,) * (len(curvatures) - 1) + (quartic if last_quartic is None else last_quartic,)
    arguments = {"slopes": (slope,) * len(curvatures), "curvatures": curvatures, "quartic": terms}
    numbers = {"center": 1.0, "num_data": num_data}
    return PythonTarget(factory="llcray.validation.polynomial:polynomial", arguments=arguments | numbers)


def steep() -> PythonTarget:
    """A target whose curvature grows by orders of magnitude between w* and the bulk of the posterior.

    A step that suits w* is far too large in the bulk. The answer is known, since the coordinates are independent.
    """
    return polynomial(curvatures=(1e-3,) * NUM_PARAMS, quartic=10.0)


def run_of(target: TargetSpec, sampler: Sampler) -> RunSpec:
    """The spec of a short run of a trap."""
    sampling = LONGER if isinstance(sampler, HMC) else SHORT
    return RunSpec(target=target, posterior=PosteriorSpec(), sampler=sampler, sampling=sampling)


def _steps_too_large() -> Iterator[Trap]:
    for factor in (10, 100):
        steps: dict[str, Sampler] = {
            "": SGLD(step_size=factor * SGLD_STEP),
            ", rmsprop": SGLD(step_size=factor * SGLD_STEP, preconditioner="rmsprop"),
            ", momentum": BAOAB(step_size=factor * UNDERDAMPED_STEP),
            ", thermostat": SGNHT(step_size=factor * UNDERDAMPED_STEP),
        }
        for suffix, sampler in steps.items():
            yield Trap(f"step x {factor}{suffix}", run_of(regular(), sampler), TOO_LARGE)
    yield Trap("step too bold", run_of(regular(), HMC(target_acceptance_rate=0.05)), TOO_LARGE)
    yield Trap("step too bold", run_of(regular(), MCLMC(energy_variance=0.05)), TOO_LARGE)


def _no_minima() -> Iterator[Trap]:
    for sampler in (Auto(), SGLD(step_size=SGLD_STEP), HMC(), MCLMC()):
        yield Trap("w* a saddle", run_of(saddle(), sampler), FOUND_LOWER_LOSS)
        yield Trap("w* not trained", run_of(untrained(), sampler), FOUND_LOWER_LOSS)


def _cannot_move() -> Iterator[Trap]:
    yield Trap("a dead chain", run_of(regular(), SGLD(step_size=1e-20)), ("not_converged",))
    for sampler in (Auto(), HMC(), MCLMC()):
        yield Trap("a dead chain", run_of(needle(), sampler), ("not_converged", "diverged"))


def _have_not_spread() -> Iterator[Trap]:
    """A deep linear network of 108 parameters: of 73 directions that gamma holds, chains have spread in a few.

    The loss along them is still quadratic, and lambda about that of w*; of the whole posterior it is 17.4, not 16.3.
    """
    sampler = SGLD(step_size=3.6e-8)
    yield Trap("chains near w*", run_of(RandomDeepLinearTarget(seed=25), sampler), ("not_converged",))
