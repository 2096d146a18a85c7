"""Runs that go on from one another: known answers for a fraction of the work; what has not arrived is not trusted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from llcray.estimation.in_turn import estimate_in_turn
from llcray.estimation.pack import RunEstimate
from llcray.estimation.request import EstimateRequest
from llcray.posterior.spec import FixedProduct, PosteriorSpec
from llcray.samplers import Auto
from llcray.sampling.handover import Handover, decode, encode
from llcray.sampling.spec import Budget, SamplingSpec, StoppingCriteria
from llcray.targets.target import Target

NUM_DATA, NUM_PARAMS, N_BETA, GAMMA = 1000, 40, 100.0, 1.0
POSTERIOR = PosteriorSpec(inverse_temperature=FixedProduct(value=N_BETA), localization=GAMMA)
SAMPLING = SamplingSpec(
    start="previous",
    until=StoppingCriteria(relative_mcse=0.06, rhat=1.05),
    budget=Budget(num_gradients=8000),
)
INPUTS = np.random.default_rng(0).normal(size=(NUM_DATA, NUM_PARAMS))
NOISE = 0.3 * np.random.default_rng(1).normal(size=NUM_DATA)


def squared_error(w: np.ndarray, batch: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """One half of the squared error of a linear model."""
    inputs, labels = batch
    return 0.5 * (inputs @ w - labels) ** 2


def regression(scales: np.ndarray, seed: int) -> Target:
    """Makes a least-squares target at its minimum, whose curvatures are about the squares of `scales`."""
    inputs = INPUTS * scales
    labels = inputs @ np.random.default_rng(seed).normal(size=NUM_PARAMS) + NOISE
    w_star = np.linalg.lstsq(inputs, labels)[0]
    return Target(params=w_star, loss_fn=squared_error, data=(inputs, labels))


def exact(target: Target) -> float:
    """The finite-temperature LLC of a linear model, 1/2 tr H (H + gamma)^-1."""
    inputs, _ = target.data
    curvatures = N_BETA * np.linalg.eigvalsh(inputs.T @ inputs / NUM_DATA)
    return float(np.sum(curvatures / (curvatures + GAMMA)) / 2)


def along(targets: Sequence[Target], sampling: SamplingSpec = SAMPLING) -> list[RunEstimate]:
    """Estimates each target from the one before."""
    wanted = [(target, EstimateRequest(Auto(), POSTERIOR, sampling, seed)) for seed, target in enumerate(targets)]
    follows = {index: index - 1 for index in range(1, len(targets))}
    return [result for _, result in estimate_in_turn(wanted, follows)]


def actions(result: RunEstimate) -> list[str]:
    return [decision["action"] for decision in result.sampled.decisions]


def errors_of(results: Sequence[RunEstimate], targets: Sequence[Target]) -> np.ndarray:
    """Standard errors between estimates and answers."""
    pairs = [(result.estimate, exact(target)) for result, target in zip(results, targets, strict=True)]
    return np.array([(e.llc - answer) / np.hypot(e.llc_mcse, e.step_size_bias_se) for e, answer in pairs])


def spread(low: float, high: float) -> np.ndarray:
    return np.geomspace(low, high, NUM_PARAMS)


def test_a_trajectory_has_its_known_answers_at_a_third_of_the_work():
    """The curvatures fall by a factor of 30 along the way, and with them the LLC."""
    targets = [regression(spread(0.02, 1.0) * shrink, seed) for seed, shrink in enumerate(np.geomspace(1, 0.18, 8))]
    assert exact(targets[0]) > 1.5 * exact(targets[-1])
    results = along(targets)
    assert [result.estimate.verdict for result in results] == ["ok"] * 8
    assert np.abs(errors_of(results, targets)).max() < 3.5 and np.abs(errors_of(results, targets).mean()) < 1.5
    assert [actions(result)[0] for result in results[1:]] == ["start at the checkpoint before"] * 7
    first, *rest = [result.estimate.num_gradients for result in results]
    assert np.mean(rest) < first / 3


def test_all_work_is_counted():
    """What a warm run costs is what its draws cost, and the curvature at w*."""
    targets = [regression(spread(0.02, 1.0), seed) for seed in range(2)]
    _, warm = along(targets)
    of_draws = float(np.nansum(warm.sampled.draws.num_gradients))
    assert warm.estimate.num_gradients == pytest.approx(of_draws + 40 + 32 / 3, abs=1)


@pytest.mark.parametrize("name", ["flat directions become steep", "steep directions become flat", "another start"])
def test_a_posterior_that_has_changed_is_not_taken_for_the_one_before(name: str):
    """Chains that start where the next posterior has no mass arrive there, or say so: no wrong estimate is `ok`."""
    scales = spread(0.02, 1.0)
    targets = [regression(scales, 0), regression(scales[::-1] if "flat" in name else scales, 1)]
    if name == "another start":
        [(_, first), *_] = estimate_in_turn([(targets[0], EstimateRequest(Auto(), POSTERIOR, SAMPLING, 0))], {})
        handover = first.sampled.handover
        assert handover is not None
        wide = replace(handover, displacement=30 * handover.displacement)
        request = EstimateRequest(Auto(), POSTERIOR, SAMPLING, 1, handover=wide)
        [(_, result)] = estimate_in_turn([(targets[1], request)], {})
    elif name == "steep directions become flat":
        narrow = regression(30 * scales, 0)
        targets = [narrow, targets[0]]
        _, result = along(targets)
    else:
        _, result = along(targets)
    assert result.estimate.verdict != "ok" or abs(errors_of([result], targets[1:])[0]) < 3


def test_chains_that_blow_up_start_cold_and_all_work_counts():
    """At a hundred times the curvature the step handed over is not stable."""
    scales = spread(0.02, 1.0)
    targets = [regression(scales, 0), regression(30 * scales, 1)]
    _, result = along(targets)
    assert any(action.startswith("cold start") for action in actions(result)) and "burn-in" in actions(result)
    assert result.estimate.verdict == "ok" and abs(errors_of([result], targets[1:])[0]) < 3
    assert result.estimate.num_gradients > np.nansum(result.sampled.draws.num_gradients) + 100


def test_a_bias_that_is_not_known_well_enough_is_measured_anew():
    """Catches a run that spends its budget on draws where the error is that of its predicted bias."""
    target = regression(spread(0.02, 1.0), 0)
    [(_, first)] = estimate_in_turn([(target, EstimateRequest(Auto(), POSTERIOR, SAMPLING, 0))], {})
    handover = first.sampled.handover
    assert handover is not None
    vague = replace(handover, heat_is_noise=True, factor_se=10.0)
    [(_, result)] = estimate_in_turn([(target, EstimateRequest(Auto(), POSTERIOR, SAMPLING, 1, handover=vague))], {})
    assert any(action.startswith("cold start") for action in actions(result))
    assert result.estimate.verdict == "ok" and abs(errors_of([result], [target])[0]) < 3
    assert result.estimate.num_gradients < SAMPLING.budget.num_gradients / 2


def test_a_run_that_others_do_not_follow_hands_nothing_over():
    sampling = SAMPLING.model_copy(update={"start": "center"})
    [result] = along([regression(spread(0.02, 1.0), 0)], sampling)
    assert result.sampled.handover is None


def test_a_handover_outlives_its_process():
    handover = Handover(np.arange(6.0).reshape(2, 3).T, 1.0, 0.1, 0.2, None, "minibatch", False, 0.9, 0.1)
    read = decode(encode(handover, "here"), "here")
    assert read is not None and {**vars(read), "displacement": None} == {**vars(handover), "displacement": None}
    np.testing.assert_array_equal(read.displacement, handover.displacement)
    assert decode(encode(handover, "here"), "elsewhere") is None
    assert decode(b"\x10\x00\x00\x00\x00\x00\x00\x00not what it was", "here") is None
