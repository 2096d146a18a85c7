"""Targets whose answer is counted from a Jacobian or a Hessian, and random tasks."""

import jax
import numpy as np
import pytest
from pydantic import TypeAdapter

from llcray.targets import RandomDeepLinearTarget, TargetSpec
from llcray.targets.build import build_target
from llcray.targets.realisable.build import JacobianRankOracle
from llcray.targets.superposition.truth import best_polygon, population_loss
from llcray.targets.target import Target, TrueLLC
from llcray.targets.variant import TargetVariant
from llcray.variant import content_id

TARGETS: TypeAdapter[TargetVariant] = TypeAdapter(TargetSpec)


def build(**fields) -> Target:
    return build_target(TARGETS.validate_python(fields))


def asymptotic(target: Target) -> TrueLLC | None:
    assert target.oracle is not None
    return target.oracle.asymptotic()


def realisable(activation: str, bias_scale: float = 0.0) -> Target:
    architecture = {"kind": "mlp", "widths": [4], "activation": activation, "bias_scale": bias_scale}
    data = {"kind": "gaussian", "input_dimension": 5, "output_dimension": 3, "num_data": 500}
    return build(kind="realisable", architecture=architecture, data=data)


@pytest.mark.parametrize(("activation", "value"), [("tanh", 19.5), ("gelu", 19.5), ("relu", 17.5)])
def test_a_realisable_network_loses_half_a_parameter_to_each_scaling_symmetry(activation, value):
    """(5, 4, 3) has 39 parameters; ReLU units may be rescaled, 4 of them."""
    target = realisable(activation)
    answer = asymptotic(target)
    assert answer is not None and (answer.value, answer.kind) == (value, "local")
    assert target.facts.gradient_norm_at_center == pytest.approx(0, abs=1e-10)


def test_a_point_of_lower_rank_than_its_neighbours_is_not_answered():
    """Zero weights out of the hidden layer make its inner weights irrelevant at w* alone."""
    oracle = realisable("tanh").oracle
    assert isinstance(oracle, JacobianRankOracle)
    params = oracle.params | {"output": jax.tree.map(np.zeros_like, oracle.params["output"])}
    assert JacobianRankOracle(oracle.loss, params, oracle.x).asymptotic() is None


@pytest.mark.parametrize(
    ("corners", "radius", "bias", "loss"), [(5, 1.17046, -0.28230, 0.015826), (6, 1.32053, -0.61814, 0.048192)]
)
def test_polygons_are_those_of_chen_et_al_2023(corners, radius, bias, loss):
    polygon = best_polygon(corners)
    assert polygon == pytest.approx((radius, bias, loss), abs=6e-6)


@pytest.mark.parametrize(("num_features", "polygon", "value"), [(5, 5, 7), (6, 5, 7), (6, 6, 8.5)])
def test_superposition_has_the_coefficients_of_chen_et_al_2023(num_features, polygon, value):
    target = build(kind="superposition", num_features=num_features, polygon=polygon, num_data=600)
    answer = asymptotic(target)
    assert answer is not None and answer.value == value


def test_the_population_loss_is_the_mean_over_the_grid():
    """Squared error at noise_scale 2^-1/2; the midpoint rule errs by the square of its spacing."""
    target = build(kind="superposition", noise_scale=2**-0.5, num_data=6000)
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: leaf + 0.05 * rng.standard_normal(leaf.shape), target.params)
    with jax.enable_x64(True):
        squared = np.asarray(target.loss_fn(params, target.data)) - 3 * np.log(np.pi)
        assert squared.mean() == pytest.approx(float(population_loss(params["W"], params["b"])), abs=1e-5)


def test_random_tasks_stay_in_range_and_half_of_them_are_singular():
    tasks = [RandomDeepLinearTarget(seed=seed).draw() for seed in range(200)]
    sizes = [sum(a * b for a, b in zip(task.widths[:-1], task.widths[1:], strict=True)) for task in tasks]
    assert min(sizes) >= 30 and max(sizes) <= 2000
    assert {len(task.widths) for task in tasks} == {2, 3, 4, 5}
    assert all(1000 <= task.num_data <= 10_000 and 1 <= task.rank <= min(task.widths) for task in tasks)
    singular = sum(task.rank < min(task.widths) for task in tasks)
    # Binomial(200, 1/2): standard deviation 7.
    assert 100 - 28 <= singular <= 100 + 28
    assert len({content_id(task) for task in tasks}) == 200


def test_a_random_task_is_the_deep_linear_target_it_draws():
    spec = RandomDeepLinearTarget(seed=3)
    random, drawn = build_target(spec), build_target(spec.draw())
    assert asymptotic(random) == asymptotic(drawn)
    np.testing.assert_array_equal(random.params["output"]["kernel"], drawn.params["output"]["kernel"])
