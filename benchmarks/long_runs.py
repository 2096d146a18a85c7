"""Fills the table of finite-temperature answers that no formula gives, by long runs of Hamiltonian Monte Carlo.

    python benchmarks/long_runs.py --minutes 8

Estimates every target of the validation suite that has no exact answer, at its own n beta and at `localization: auto`,
unless the table has that row; call it again until it says that nothing is left. A deep linear loss with whitened
inputs is c/2 |W - W*|^2 whatever n is, so such a target is run with as few examples as inputs: the same density, and
gradients of microseconds.
"""

import argparse
import math
import time
from dataclasses import dataclass

from llcray.api import LLCEstimate, estimate_llc
from llcray.posterior_spec import FixedProduct, PosteriorSpec
from llcray.samplers import HMC
from llcray.sampling_spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets import DeepLinearTarget, RandomDeepLinearTarget, TargetSpec
from llcray.targets.build import build_target
from llcray.targets.target import Target
from llcray.targets.truths.long_runs import SAME, TABLE, LongRun, read_table, write_table
from llcray.validation.suite import Case, cases
from llcray.variant import content_id

SAMPLER = HMC(num_integration_steps=32)
BUDGET = Budget(num_gradients=2_000_000, num_draws=16_384)
# Relative errors of the answers. Networks cost a hundred times as much.
DEEP_LINEAR_PRECISION, NETWORK_PRECISION = 0.005, 0.01
NUM_CHAINS = 8
MAX_PARAMS, MAX_DATA = 5000, 10_000


@dataclass(frozen=True)
class Wanted:
    """A case whose answer is wanted, its original, and the target that has the same density at the least cost."""

    case: Case
    original: Target
    cheap: Target
    n_beta: float


def main() -> None:
    """Does what the table lacks until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="start no run after this time")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    arguments = parser.parse_args()
    started = time.monotonic()
    left = 0
    for case in cases("full"):
        if arguments.only not in case.name:
            continue
        if time.monotonic() - started > 60 * arguments.minutes:
            left += 1
            continue
        if (wanted := _wanted(case)) is not None:
            _run(wanted)
    print(f"{left} cases were not looked at; call again" if left else "nothing is left")


def _wanted(case: Case) -> Wanted | None:
    """None where a formula knows, where it would take too long, or where there is no automatic gamma."""
    num_data = getattr(_drawn(case.target), "num_data", None) or getattr(
        getattr(case.target, "data", None), "num_data", math.inf
    )
    if case.posterior.localization != "auto" or num_data > MAX_DATA:
        return None
    original = build_target(case.target)
    n_beta = num_data / math.log(num_data)
    size = sum(leaf.size for leaf in _leaves(original.params))
    if original.oracle is None or size > MAX_PARAMS or original.oracle.at_temperature(n_beta, 1.0) is not None:
        return None
    cheapest = _cheapest(case.target)
    return Wanted(case, original, original if cheapest == case.target else build_target(cheapest), n_beta)


def _run(wanted: Wanted) -> None:
    rows = read_table(TABLE)
    posterior = PosteriorSpec(inverse_temperature=FixedProduct(value=wanted.n_beta))
    gamma = _localization(wanted, posterior)
    target_id = content_id(wanted.case.target)
    if any(row.target_id == target_id and abs(row.localization / gamma - 1) < SAME for row in rows):
        return
    precision = NETWORK_PRECISION if wanted.cheap is wanted.original else DEEP_LINEAR_PRECISION
    until = StoppingCriteria(relative_mcse=precision, rhat=1.01)
    sampling = SamplingSpec(until=until, budget=BUDGET, num_warmup=400)
    started = time.monotonic()
    e = estimate_llc(wanted.cheap, SAMPLER, num_chains=NUM_CHAINS, posterior=posterior, sampling=sampling)
    took = time.monotonic() - started
    print(f"{wanted.case.name}: {e} in {took:.0f} s; n -> oo {_asymptotic(wanted.original)}", flush=True)
    if e.verdict != "ok":
        print("  left out")
        return
    write_table(TABLE, [*read_table(TABLE), _row(wanted, target_id, e)])


def _row(wanted: Wanted, target_id: str, e: LLCEstimate) -> LongRun:
    sampler = f"{NUM_CHAINS} chains of HMC, {SAMPLER.num_integration_steps} leapfrog steps"
    return LongRun(
        target_id=target_id,
        name=wanted.case.name,
        n_beta=wanted.n_beta,
        localization=e.localization,
        value=e.llc,
        mcse=e.llc_mcse,
        rhat=e.rhat,
        num_gradients=e.num_gradients,
        sampler=sampler,
    )


def _localization(wanted: Wanted, posterior: PosteriorSpec) -> float:
    """The automatic gamma of the original, which a run of it will have."""
    import jax
    import jax.numpy as jnp

    from llcray.estimation import curvature_scale
    from llcray.posterior import make_posterior, resolve_localization

    with jax.enable_x64(True):
        density = make_posterior(wanted.original, wanted.n_beta, None, jnp.float64)
        return resolve_localization(posterior, density.num_sampled_params, curvature_scale(density))


def _cheapest(spec: TargetSpec) -> TargetSpec:
    drawn = _drawn(spec)
    if isinstance(drawn, DeepLinearTarget) and drawn.inputs == "whitened":
        return drawn.model_copy(update={"num_data": max(2, drawn.widths[0])})
    return spec


def _drawn(spec: TargetSpec) -> TargetSpec:
    return spec.draw() if isinstance(spec, RandomDeepLinearTarget) else spec


def _leaves(params: object) -> list:
    import jax

    return jax.tree.leaves(params)


def _asymptotic(target: Target) -> str:
    answer = target.oracle.asymptotic() if target.oracle else None
    return f"{answer.value:g}, m = {answer.multiplicity}" if answer else "unknown"


if __name__ == "__main__":
    main()
