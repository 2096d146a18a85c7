"""What a sweep file may say of a target, and how it is told of a mistake."""

import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from llcray.targets import TargetSpec, TrainedTarget
from llcray.variant import Variant, content_id

TARGETS: TypeAdapter[Variant] = TypeAdapter(TargetSpec)
MLP = {"kind": "mlp", "widths": [4]}
DIGITS = {"kind": "digits"}
GAUSSIAN = {"kind": "gaussian"}


def mistakes(**fields) -> dict[str, str]:
    """Place -> message of every mistake."""
    with pytest.raises(ValidationError) as caught:
        TARGETS.validate_python(fields)
    return {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()}


def test_a_target_without_a_kind_is_a_trained_one():
    assert isinstance(TARGETS.validate_python({"architecture": MLP, "data": DIGITS}), TrainedTarget)


def test_specs_of_targets_load_no_jax_and_no_scikit_learn():
    script = (
        "import sys, llcray.targets; assert not {'jax', 'flax', 'optax', 'sklearn', 'scipy', 'ray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_all_mistakes_of_a_target_are_reported_at_once_each_at_its_field():
    found = mistakes(
        architecture={"kind": "convnet"},
        data=GAUSSIAN,
        noise={"kind": "label_flip", "rate": 0.1},
        likelihood={"kind": "categorical"},
        training={"kind": "adam", "batch_size": 6000},
    )
    assert set(found) == {f"trained.{name}" for name in ("architecture", "noise", "teacher", "likelihood", "training")}


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        (
            {"data": DIGITS, "noise": {"kind": "gaussian"}},
            "noise",
            "is for regression, but data digits is classification",
        ),
        ({"data": GAUSSIAN, "teacher": None}, "teacher", "give a teacher"),
        ({"data": DIGITS, "teacher": MLP}, "teacher", "leave the teacher out"),
        ({"data": GAUSSIAN, "teacher": {"kind": "convnet"}}, "teacher", "needs images"),
        ({"data": DIGITS, "training": {"kind": "sgd", "batch_size": 1439}}, "training", "1438 training examples"),
        ({"data": {"kind": "digits", "num_data": 2000}}, "data.digits", "more than the 1438 of 1797"),
    ],
)
def test_impossible_combinations_say_what_to_change(fields, place, message):
    assert message in mistakes(architecture=MLP, **fields)[f"trained.{place}"]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "quadratic"},
        {"kind": "quadratic", "num_params": 3, "eigenvalues": [1.0]},
        {"kind": "normal_crossing", "powers": [0, 0]},
        {"kind": "even_powers", "powers": [2, 3]},
        {"kind": "deep_linear", "widths": [3, 2, 3], "rank": 3},
        {"kind": "deep_linear", "widths": [30, 30], "num_data": 20},
        {"kind": "python", "factory": "no_colon"},
        {"kind": "python", "factory": "a:b", "arguments": {"x": float("inf")}},
        {"kind": "unheard_of"},
    ],
)
def test_impossible_analytic_targets_are_refused(fields):
    assert mistakes(**fields)


def test_replicates_have_ids_of_their_own():
    ids = {content_id(TARGETS.validate_python({"kind": "quadratic", "num_params": 3, "seed": s})) for s in range(3)}
    assert len(ids) == 3
