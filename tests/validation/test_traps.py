"""No sampler may end in `ok` where its number is wrong."""

from collections.abc import Sequence

import pytest
from scipy.integrate import quad

from llcray.estimation.pack import RunEstimate, estimate_requests
from llcray.estimation.request import EstimateRequest
from llcray.estimation.rows import warnings_of
from llcray.samplers import Auto
from llcray.targets.build import build_target
from llcray.targets.target import TargetFacts
from llcray.validation.traps import NUM_PARAMS, Trap, regular, run_of, steep, traps


def results(trapped: Sequence[Trap]) -> dict[str, RunEstimate]:
    """Traps share one loss, so that each sampler compiles once."""
    return {f"{trap.name}, {trap.kind}": run(trap.spec) for trap in trapped}


def run(spec) -> RunEstimate:
    request = EstimateRequest(spec.sampler, spec.posterior, spec.sampling, seed=int(spec.run_id, 16))
    [(_, result)] = estimate_requests(build_target(spec.target), [request])
    return result


def check(kinds: set[str]) -> None:
    chosen = [trap for trap in traps() if trap.kind in kinds]
    got = {name: result.estimate.verdict for name, result in results(chosen).items()}
    right = {f"{trap.name}, {trap.kind}": trap.right for trap in chosen}
    assert {name for name, verdict in got.items() if verdict not in right[name]} == set()


def test_auto_and_sgld_say_what_is_wrong_in_every_trap() -> None:
    """Steps 10 and 100 times too large, a saddle hidden by regular directions, a slope, a chain that cannot move."""
    check({"auto", "sgld"})


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hmc", "mclmc", "baoab", "sgnht"])
def test_every_other_sampler_says_what_is_wrong_in_every_trap(kind: str) -> None:
    check({kind})


def test_auto_finds_its_step_where_curvature_grows_away_from_the_center() -> None:
    """b z^2/2 + c z^4 in each coordinate, by quadrature: the posterior is where the curvature is 200 times that at w*.

    Catches a step chosen at w*, which there would be fourteen times too large.
    """
    result = run(run_of(steep(), Auto()))
    t, gamma = result.n_beta, result.sampled.localization

    def weight(z: float) -> float:
        from math import exp

        return exp(-t * energy(z) - gamma * z**2 / 2)

    def energy(z: float) -> float:
        return 0.5e-3 * z**2 + 10 * z**4

    mass, _ = quad(weight, -1, 1)
    moment, _ = quad(lambda z: energy(z) * weight(z), -1, 1)
    truth = NUM_PARAMS * t * moment / mass
    assert result.estimate.verdict == "ok"
    assert abs(result.estimate.llc - truth) < 3 * result.estimate.llc_mcse + 0.01 * truth


def test_three_examples_are_estimated_right_and_come_with_a_warning() -> None:
    """t E[L - L*] is exact at any n, but with three examples it says little about n -> infinity."""
    result = run(run_of(regular(num_data=3), Auto()))
    t, gamma = result.n_beta, result.sampled.localization
    assert abs(result.estimate.llc - NUM_PARAMS / 2 * t / (t + gamma)) < 3 * result.estimate.llc_mcse + 0.1
    assert any("3 examples" in warning for warning in warnings_of(result, TargetFacts()))
