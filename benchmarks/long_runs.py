"""Fills the table of finite-temperature answers that no formula gives, by long runs of Hamiltonian Monte Carlo.

    NPROC=1 python benchmarks/long_runs.py --minutes 8

Looks at every deep linear target, every polygon of superposition and every network of the validation suite that has no
exact answer, and at some components of networks, at its own n beta and at `localization: auto`, unless the table has
it; call it again until it says that nothing is left.

A deep linear loss with whitened inputs is c/2 |W - W*|^2, W the product of the matrices, whatever n is. It is sampled
here in NumPy, 32 chains at once and with nothing of llcray but the target: these answers check its samplers and are not
made by them. Networks are run by llcray's own `hmc`, and trained with one thread (NPROC), as `llcray validate` does:
a training with other threads ends at other last digits, and gamma, which comes from the curvature there, at others too.
"""

import argparse
import math
import time
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np

from llcray.api import estimate_llc
from llcray.components import ALL
from llcray.llc.summary import summarize
from llcray.posterior.density import LOCALIZATION_RATIO
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import HMC
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets import (
    DeepLinearTarget,
    RandomDeepLinearTarget,
    RealisableTarget,
    SuperpositionTarget,
    TargetSpec,
    TrainedTarget,
)
from llcray.targets.build import build_target
from llcray.targets.deep_linear.build import teacher_matrices
from llcray.targets.long_runs import TABLE, LongRun, read_table, write_table
from llcray.validation.suite import Case, cases
from llcray.variant import content_id

# Relative errors of the answers.
DEEP_LINEAR_PRECISION, NETWORK_PRECISION = 0.007, 0.01
NUM_CHAINS, NUM_LEAPFROG, WARMUP, BLOCK, MAX_DRAWS = 32, 48, 150, 100, 6400
ACCEPTANCE = 0.8
MAX_RHAT = 1.02
POWER_ITERATIONS = 200
MAX_PARAMS = 5000
COMPONENTS = {"modular addition, transformer of one layer": ("l0 mlp",)}
"""Components that are looked at besides the whole.

Two million gradients leave this one at R-hat 1.09 (283.1 +- 2.0), and with trajectories of 384 steps at 1.08 (281.3 +-
1.7), so that the table does not have it.
"""

Matrices = list[np.ndarray]


@dataclass(frozen=True)
class DeepLinearPosterior:
    """exp(-t c/2 |W - W*|^2 - gamma/2 |w - w*|^2) in float64.

    Attributes:
        center: Matrices (in, out) of w*.
        stiffness: t c.
        localization: gamma.
    """

    center: Matrices
    stiffness: float
    localization: float

    def potential(self, matrices: Matrices) -> tuple[np.ndarray, np.ndarray, Matrices]:
        """t L (chain,), -log p (chain,) and its gradient, of matrices (chain, in, out)."""
        residual = reduce(np.matmul, matrices) - reduce(np.matmul, self.center)
        before, after = [None], [self.stiffness * residual]
        for matrix in matrices[:-1]:
            before.append(matrix if before[-1] is None else before[-1] @ matrix)
        for matrix in matrices[:0:-1]:
            after.insert(0, after[0] @ matrix.transpose(0, 2, 1))
        away = [matrix - center for matrix, center in zip(matrices, self.center, strict=True)]
        gradient = [
            (right if left is None else left.transpose(0, 2, 1) @ right) + self.localization * offset
            for left, right, offset in zip(before, after, away, strict=True)
        ]
        loss = 0.5 * self.stiffness * (residual**2).sum(axis=(1, 2))
        prior = 0.5 * self.localization * sum((offset**2).sum(axis=(1, 2)) for offset in away)
        return loss, loss + prior, gradient


def main() -> None:
    """Does what the table lacks until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="start no run after this time")
    parser.add_argument("--only", default="", help="cases whose name and component contain this")
    arguments = parser.parse_args()
    started, left = time.monotonic(), 0
    wanted = DeepLinearTarget | RandomDeepLinearTarget | RealisableTarget | SuperpositionTarget | TrainedTarget
    for case in (*cases("full"), *cases("networks")):
        if not isinstance(case.target, wanted):
            continue
        for component in (ALL, *COMPONENTS.get(case.name, ())):
            if arguments.only not in f"{case.name}, {component}":
                continue
            if time.monotonic() - started > 60 * arguments.minutes:
                left += 1
            else:
                _fill(case, component)
    print(f"{left} cases were not looked at; call again" if left else "nothing is left")


def _fill(case: Case, component: str) -> None:
    """Adds the row of a case, if it is wanted and not there; one that is to be made again must be deleted first."""
    target_id, drawn = content_id(case.target), _drawn(case.target)
    there = {(row.target_id, row.component) for row in read_table(TABLE)}
    if (target_id, component) in there or not _is_wanted(drawn):
        return
    started = time.process_time()
    row = LongRun(target_id, case.name, _n_beta(drawn), *_NOTHING, component)
    row = _deep_linear(drawn, row) if isinstance(drawn, DeepLinearTarget) else _network(drawn, row, case.posterior)
    took = f"{time.process_time() - started:.0f} CPU s"
    print(f"{case.name}, {component}: {row.value:.2f} +- {row.mcse:.2g}, R-hat {row.rhat:.3f}, {took}", flush=True)
    if row.rhat < MAX_RHAT:
        write_table(TABLE, [*read_table(TABLE), row])


def _is_wanted(spec: TargetSpec) -> bool:
    """Deep linear tasks of two or more matrices, and networks."""
    if not isinstance(spec, DeepLinearTarget):
        return True
    size = sum(before * after for before, after in pairwise(spec.widths))
    return len(spec.widths) > 2 and size <= MAX_PARAMS


_NOTHING = (math.nan, math.nan, math.nan, math.nan, 0.0, "")


def _deep_linear(spec: DeepLinearTarget, row: LongRun) -> LongRun:
    """HMC in units of the stiffest direction at w*, trajectories of random length, step size found in warmup."""
    matrices, stiffness = teacher_matrices(spec), row.n_beta / spec.noise_scale**2
    gamma = _largest_eigenvalue(matrices) * stiffness / LOCALIZATION_RATIO
    posterior = DeepLinearPosterior([np.ascontiguousarray(m.T) for m in matrices], stiffness, gamma)
    rng = np.random.default_rng(int(row.target_id, 16))
    state = [np.repeat(matrix[None], NUM_CHAINS, axis=0) for matrix in posterior.center]
    step = 0.3 / math.sqrt(gamma * LOCALIZATION_RATIO)
    series: list[np.ndarray] = []
    for draw in range(WARMUP + MAX_DRAWS):
        state, loss, accepted = _transition(rng, posterior, state, step)
        if draw < WARMUP:
            step *= math.exp(0.2 * (accepted - ACCEPTANCE))
            continue
        series.append(loss)
        if len(series) % BLOCK == 0:
            summary = summarize(np.stack(series, axis=1))
            if summary.mcse < DEEP_LINEAR_PRECISION * summary.mean and summary.rhat < 1.01:
                break
    work = NUM_CHAINS * NUM_LEAPFROG * (WARMUP + len(series))
    said = f"HMC in NumPy, {NUM_CHAINS} chains, {NUM_LEAPFROG} leapfrog steps"
    return row._replace(
        localization=gamma, value=summary.mean, mcse=summary.mcse, rhat=summary.rhat, num_gradients=work, sampler=said
    )


def _largest_eigenvalue(matrices: Matrices) -> float:
    """Of the Hessian of |W - W*|^2/2 at w*: of J J^T, J the derivative of the product in all its factors."""
    left, right = [np.eye(len(matrices[-1]))], [np.eye(matrices[0].shape[1])]
    for matrix in matrices[:0:-1]:
        left.insert(0, left[0] @ matrix)
    for matrix in matrices[:-1]:
        right.append(matrix @ right[-1])
    squares = [(a @ a.T, b.T @ b) for a, b in zip(left, right, strict=True)]
    change = np.random.default_rng(0).standard_normal((len(matrices[-1]), matrices[0].shape[1]))
    eigenvalue = 0.0
    for _ in range(POWER_ITERATIONS):
        change = sum(a @ change @ b for a, b in squares)
        eigenvalue = float(np.linalg.norm(change))
        change = change / eigenvalue
    return eigenvalue


def _transition(
    rng: np.random.Generator, posterior: DeepLinearPosterior, state: Matrices, step: float
) -> tuple[Matrices, np.ndarray, float]:
    """One proposal of every chain; the losses after it and the share accepted."""
    step *= rng.uniform(0.3, 1.0)
    # A step that is too large overflows and is rejected.
    with np.errstate(over="ignore", invalid="ignore"):
        return _proposed(rng, posterior, state, step)


def _proposed(
    rng: np.random.Generator, posterior: DeepLinearPosterior, state: Matrices, step: float
) -> tuple[Matrices, np.ndarray, float]:
    momentum = [rng.standard_normal(matrix.shape) for matrix in state]
    loss, start, gradient = posterior.potential(state)
    start_energy, position = start + _kinetic(momentum), state
    momentum = _kicked(momentum, gradient, step / 2)
    for leap in range(NUM_LEAPFROG):
        position = _kicked(position, momentum, -step)
        new_loss, end, gradient = posterior.potential(position)
        momentum = _kicked(momentum, gradient, step / 2 if leap == NUM_LEAPFROG - 1 else step)
    probability = np.nan_to_num(np.exp(np.minimum(0, start_energy - end - _kinetic(momentum))))
    accept = rng.random(NUM_CHAINS) < probability
    chosen = [np.where(accept[:, None, None], new, old) for new, old in zip(position, state, strict=True)]
    return chosen, np.where(accept, new_loss, loss), float(probability.mean())


def _kicked(values: Matrices, by: Matrices, step: float) -> Matrices:
    return [value - step * change for value, change in zip(values, by, strict=True)]


def _kinetic(momentum: Matrices) -> np.ndarray:
    return 0.5 * sum((matrix**2).sum(axis=(1, 2)) for matrix in momentum)


def _network(spec: TargetSpec, row: LongRun, posterior: PosteriorSpec) -> LongRun:
    """By llcray's own sampler: its gradient over the data is what costs."""
    until = StoppingCriteria(relative_mcse=NETWORK_PRECISION, rhat=1.01)
    sampling = SamplingSpec(until=until, budget=Budget(num_gradients=2e6, num_draws=16_384), num_warmup=300)
    sampler = HMC(num_integration_steps=32)
    e = estimate_llc(
        build_target(spec), sampler, num_chains=4, component=row.component, posterior=posterior, sampling=sampling
    )
    row = row._replace(localization=e.localization, value=e.llc, mcse=e.llc_mcse, rhat=e.rhat)
    return row._replace(num_gradients=e.num_gradients, sampler="llcray's hmc, 4 chains, 32 leapfrog steps")


def _drawn(spec: TargetSpec) -> TargetSpec:
    return spec.draw() if isinstance(spec, RandomDeepLinearTarget) else spec


def _n_beta(spec: TargetSpec) -> float:
    num_data = spec.size.num_data
    assert num_data is not None
    return num_data / math.log(num_data)


if __name__ == "__main__":
    main()
