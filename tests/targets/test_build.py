import math
import sys
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from pydantic import TypeAdapter

from llcray.targets import TargetSpec
from llcray.targets.build import build_target
from llcray.targets.model_loss import ModelLoss
from llcray.targets.target import Target, TargetFacts
from llcray.targets.variant import TargetVariant
from llcray.variant import content_id

TARGETS: TypeAdapter[TargetVariant] = TypeAdapter(TargetSpec)


def spec(**fields) -> TargetVariant:
    return TARGETS.validate_python(fields)


def build(**fields) -> Target:
    return build_target(spec(**fields))


def teacher_student(**fields) -> TargetVariant:
    return spec(
        **{
            "architecture": {"kind": "mlp", "widths": [2], "activation": "tanh"},
            "teacher": {"kind": "mlp", "widths": [2], "activation": "tanh", "gain": 2.0},
            "data": {"kind": "gaussian", "input_dimension": 4, "num_data": 300},
            "noise": {"kind": "gaussian", "scale": 0.2},
            "training": {"kind": "adam", "num_steps": 300},
        }
        | fields
    )


def losses(target: Target, params, dtype: type[np.floating] = np.float64) -> np.ndarray:
    with jax.enable_x64(True):
        params = jax.tree.map(lambda leaf: jax.numpy.asarray(leaf, dtype), params)
        return np.asarray(jax.jit(target.loss_fn)(params, target.data))


@pytest.fixture(scope="module")
def trained() -> Target:
    return build_target(teacher_student())


def test_a_trained_target_is_a_minimum_of_its_loss(trained: Target):
    assert trained.facts.gradient_norm_at_center is not None and trained.facts.gradient_norm_at_center < 1e-6
    assert trained.facts.loss_at_center == pytest.approx(losses(trained, trained.params).mean(), rel=1e-12)
    nearby = jax.tree.map(lambda leaf: leaf + 1e-2, trained.params)
    assert losses(trained, nearby).mean() > losses(trained, trained.params).mean()


def test_a_well_specified_student_learns_its_teacher_up_to_the_noise(trained: Target):
    """2 n (L(w0) - L(w*)) ~ chi-squared of at most d degrees: L(w*) is within d/n of the entropy of the noise."""
    entropy = 0.5 * math.log(2 * math.pi * math.e * 0.2**2)
    d, n = sum(leaf.size for leaf in jax.tree.leaves(trained.params)), 300
    # The entropy itself is estimated from n errors: standard error sqrt(1/(2 n)).
    assert trained.facts.loss_at_center == pytest.approx(entropy, abs=d / n + 4 * math.sqrt(1 / (2 * n)))


def test_the_same_spec_gives_the_same_bits(trained: Target):
    again = build_target(teacher_student())
    assert again.target_id == trained.target_id == content_id(teacher_student())
    same = jax.tree.map(np.array_equal, (again.params, again.data), (trained.params, trained.data))
    assert all(jax.tree.leaves(same))


def test_targets_of_one_signature_trace_a_program_once(trained: Target):
    """Another seed, noise scale, initial weights and training: the loss is equal by value."""
    other = build_target(
        teacher_student(
            noise={"kind": "gaussian", "scale": 0.7},
            architecture={"kind": "mlp", "depth": 1, "num_params": 13, "activation": "tanh", "gain": 0.5},
            training={"kind": "sgd", "num_steps": 10, "polish_steps": 2},
            seed=5,
        )
    )
    traces = []

    def mean(loss_fn, params, data):
        traces.append(loss_fn)
        return loss_fn(params, data).mean()

    program = jax.jit(mean, static_argnums=0)
    values = [float(program(target.loss_fn, target.params, target.data)) for target in (trained, other)]
    assert len(traces) == 1 and values[0] != values[1]
    assert np.unique(other.data["likelihood"]) == [0.7]


def test_comparisons_are_paired(trained: Target):
    """Noise of another scale is the same noise, scaled, on the same inputs and teacher."""
    louder = build_target(teacher_student(noise={"kind": "gaussian", "scale": 0.4}))
    np.testing.assert_array_equal(louder.data["x"], trained.data["x"])
    exact = 2 * trained.data["y"] - louder.data["y"]
    noise = (louder.data["y"] - exact) / 0.4
    assert np.std(noise) == pytest.approx(1, abs=4 / math.sqrt(2 * 300))
    other_seed = build_target(teacher_student(seed=1, training={"kind": "adam", "num_steps": 0, "polish_steps": 0}))
    assert not np.array_equal(other_seed.data["x"], trained.data["x"])


def test_losses_follow_the_precision_of_the_parameters_and_batch_over_chains(trained: Target):
    for dtype in (np.float32, np.float64):
        assert losses(trained, trained.params, dtype).dtype == dtype
    chains = jax.tree.map(lambda leaf: np.stack([leaf, leaf + 0.1]).astype(np.float32), trained.params)
    stacked = jax.jit(jax.vmap(trained.loss_fn, in_axes=(0, None)))(chains, trained.data)
    assert stacked.shape == (2, 300)
    np.testing.assert_allclose(stacked[0], losses(trained, trained.params), rtol=1e-3, atol=1e-4)


def test_digits_are_classified_and_measured_on_the_test_split():
    target = build(
        architecture={"kind": "convnet", "channels": [4]},
        data={"kind": "digits", "classes": [0, 1, 2], "num_data": 300},
        training={"kind": "adam", "num_steps": 100, "polish_steps": 5, "precision": "float32"},
    )
    assert isinstance(target.loss_fn, ModelLoss)
    assert target.params["conv_0"]["kernel"].dtype == np.float32
    assert target.facts.test_accuracy is not None and target.facts.test_accuracy > 0.9
    assert target.facts.test_loss is not None and target.facts.test_loss < math.log(3)


def test_a_file_with_fewer_examples_than_a_batch_is_refused(tmp_path):
    np.savez(tmp_path / "t.npz", x=np.zeros((10, 2)), y=np.zeros(10))
    with pytest.raises(ValueError, match="more than the 8 training examples"):
        build(
            architecture={"kind": "mlp", "widths": [2]},
            data={"kind": "file", "path": tmp_path / "t.npz", "inputs": "x", "targets": "y", "predict": "numbers"},
            training={"kind": "adam", "batch_size": 9},
        )


def hessian(target: Target) -> np.ndarray:
    with jax.enable_x64(True):
        flat, restore = ravel_pytree(jax.tree.map(jax.numpy.asarray, target.params))
        return np.asarray(jax.jit(jax.hessian(lambda w: target.loss_fn(restore(w), target.data).mean()))(flat))


@pytest.mark.parametrize("rotation_seed", [None, 3])
def test_a_quadratic_has_the_hessian_asked_for(rotation_seed):
    target = build(kind="quadratic", num_params=5, condition_number=100.0, rotation_seed=rotation_seed)
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian(target)), np.logspace(-2, 0, 5), rtol=1e-9)
    given = build(kind="quadratic", eigenvalues=[4.0, 0.0, 1.0], rotation_seed=rotation_seed)
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian(given)), [0, 1, 4], atol=1e-12)
    assert given.oracle is not None
    asymptotic = given.oracle.asymptotic()
    assert asymptotic is not None and asymptotic.value == 1


def test_gradient_noise_leaves_the_mean_loss_alone():
    target = build(kind="quadratic", num_params=3, gradient_noise=2.0, num_data=50)
    w = {"w": np.array([1.0, 2.0, 3.0])}
    each = losses(target, w)
    assert each.mean() == pytest.approx(0.5 * 14, rel=1e-12)
    # Standard deviation of e . w is 2 |w|, known to 1/sqrt(2 n) = 10%.
    assert each.std() == pytest.approx(2 * math.sqrt(14), rel=0.4)


def test_the_oracle_of_a_quadratic_is_the_normal_integral():
    target = build(kind="quadratic", eigenvalues=[2.0, 0.0, 0.5])
    assert target.oracle is not None
    answer = target.oracle.at_temperature(100.0, 10.0)
    assert answer is not None and answer.kind == "finite_temperature"
    assert answer.value == pytest.approx(0.5 * (200 / 210 + 50 / 60))


def test_monomials_and_even_powers_are_their_formulas():
    w = {"w": np.array([0.5, 3.0])}
    assert losses(build(kind="normal_crossing", powers=[1, 2]), w) == pytest.approx(np.full(1000, (0.5 * 9) ** 2))
    assert losses(build(kind="even_powers", powers=[2, 4]), w) == pytest.approx(np.full(1000, 0.25 + 81))


@pytest.mark.parametrize(
    ("widths", "rank", "teacher", "value", "kind"),
    [
        ([3, 3, 3], 1, "aligned", 4, "local"),
        ([3, 3, 3], 1, "generic", 4.5, "local"),
        ([10, 10, 10], 5, "aligned", 47, "local"),
        ([10, 10, 10, 10], 5, "aligned", 46, "local"),
        ([3, 4, 4, 3], 1, "generic", 4.5, "local"),
        ([3, 2, 4, 3], 1, "generic", 3.5, "global"),
        ([4, 3], 2, "aligned", 6, "local"),
    ],
)
def test_deep_linear_teachers_know_their_coefficient(widths, rank, teacher, value, kind):
    target = build(kind="deep_linear", widths=widths, rank=rank, teacher=teacher, num_data=50)
    assert target.oracle is not None
    answer = target.oracle.asymptotic()
    assert answer is not None and (answer.value, answer.kind) == (value, kind)


def test_a_deep_linear_loss_of_whitened_inputs_is_the_distance_of_the_products():
    target = build(kind="deep_linear", widths=[3, 4, 2], rank=1, num_data=20, noise_scale=0.5)
    rng = np.random.default_rng(0)
    moved = jax.tree.map(lambda leaf: leaf + rng.standard_normal(leaf.shape), target.params)

    def product(params):
        return params["hidden_0"]["kernel"] @ params["output"]["kernel"]

    expected = np.sum((product(moved) - product(target.params)) ** 2) / (2 * 0.5**2)
    excess = (losses(target, moved) - losses(target, target.params)).mean()
    assert excess == pytest.approx(expected, rel=1e-9)
    assert np.linalg.matrix_rank(product(target.params)) == 1
    assert target.facts.gradient_norm_at_center == pytest.approx(0, abs=1e-12)


def test_an_aligned_teacher_is_flat_where_the_regular_directions_end():
    """The Hessian's rank is r (H_0 + H_L - r), twice the regular part of the coefficient."""
    target = build(kind="deep_linear", widths=[4, 5, 3], rank=2, num_data=50)
    assert np.linalg.matrix_rank(hessian(target), tol=1e-6) == 2 * (4 + 3 - 2)


def make_target(scale: float, seed: int = 0) -> Target:
    return Target({"w": np.full(2, scale)}, square_loss, np.full((10, 2), float(seed)))


def square_loss(params, batch):
    return ((params["w"] - batch) ** 2).sum(-1)


def make_something_else():
    return TargetFacts()


def test_a_python_target_is_what_its_function_returns(monkeypatch):
    monkeypatch.setitem(sys.modules, "somebody", SimpleNamespace(make=make_target))
    target = build(kind="python", factory="somebody:make", arguments={"scale": 2.0}, seed=7)
    assert target.params["w"].tolist() == [2, 2] and target.data[0, 0] == 7
    assert target.loss_fn is square_loss


def test_a_wrong_factory_is_named(monkeypatch):
    module = SimpleNamespace(other=make_something_else)
    monkeypatch.setitem(sys.modules, "somebody", module)
    with pytest.raises(ValueError, match="no module 'nobody'"):
        build(kind="python", factory="nobody.at_home:make")
    with pytest.raises(ValueError, match="no function 'make'"):
        build(kind="python", factory="somebody:make")
    with pytest.raises(ValueError, match=r"returned a TargetFacts, not an llcray\.Target"):
        build(kind="python", factory="somebody:other")
