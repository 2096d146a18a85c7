"""The contract of `TargetVariant`: one table of kinds, one test that every kind passes.

A new kind adds a line to `SPECS`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import jax
import numpy as np
import pytest
from llcray_storage import Dataset, scan_targets
from pydantic import TypeAdapter

from llcray.targets import TargetSpec
from llcray.targets.build import build_target
from llcray.targets.stored import load_or_build
from llcray.targets.target import Target
from llcray.targets.variant import TargetVariant, TrajectoryVariant
from llcray.variant import content_id

TARGETS: TypeAdapter[TargetVariant] = TypeAdapter(TargetSpec)
FIXTURES = Path(__file__).parent / "checkpoint" / "fixtures"
PROBE = Path(__file__).parents[1] / "aten" / "fixtures" / "probe.llcray"
TRAINING = {"kind": "adam", "num_steps": 4, "polish_steps": 2}
NETWORK = {"kind": "mlp", "widths": [3]}
TRAINED = {"architecture": NETWORK, "data": {"kind": "digits", "classes": [0, 1], "num_data": 50}, "training": TRAINING}
POLICY = {
    "architecture": {
        "kind": "transformer", "num_layers": 1, "num_heads": 2, "width": 8, "mlp_width": 8, "readout": "all",
    },
    "training": {"kind": "adamw", "num_steps": 2, "batch_size": 8, "precision": "float32"},
    "method": {"kind": "sft", "num_steps": 2, "batch_size": 8},
    "checkpoints": {"steps": [2]},
}  # fmt: skip


def tokens_in(folder: Path) -> dict[str, Any]:
    np.save(folder / "tokens.npy", np.random.default_rng(0).integers(0, 29, (6, 8)))
    return {"kind": "tokens", "path": str(folder / "tokens.npy")}


SPECS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "trained": lambda folder: TRAINED,
    "trained, along its training": lambda folder: TRAINED | {"step": 2, "checkpoints": {"steps": [2, 4]}},
    "fine_tuned": lambda folder: POLICY | {"kind": "fine_tuned", "step": 2},
    "quadratic": lambda folder: {"kind": "quadratic", "num_params": 3, "gradient_noise": 0.1, "num_data": 9},
    "normal_crossing": lambda folder: {"kind": "normal_crossing", "num_data": 9},
    "even_powers": lambda folder: {"kind": "even_powers", "num_data": 9},
    "deep_linear": lambda folder: {"kind": "deep_linear", "widths": [3, 2, 3], "rank": 1, "num_data": 9},
    "random_deep_linear": lambda folder: {"kind": "random_deep_linear", "max_params": 60, "min_data": 90},
    "realisable": lambda folder: {
        "kind": "realisable", "architecture": NETWORK, "data": {"kind": "gaussian", "input_dimension": 2, "num_data": 9}
    },
    "superposition": lambda folder: {"kind": "superposition", "num_data": 12},
    "python": lambda folder: {
        "kind": "python", "factory": "llcray.validation.polynomial:polynomial", "arguments": {
            "slopes": [0, 0], "curvatures": [1, 2], "quartic": [0, 0], "center": 1.0, "num_data": 9
        }
    },
    "checkpoint": lambda folder: {
        "kind": "checkpoint", "path": str(FIXTURES / "qwen3"), "data": tokens_in(folder)
    },
    "torch": lambda folder: {"kind": "torch", "path": str(PROBE)},
}  # fmt: skip


def kinds() -> set[str]:
    """Every kind of the union of targets."""
    members = get_args(get_args(TargetSpec)[0])
    return {get_args(member)[0].model_fields["kind"].default for member in members}


def test_every_kind_of_target_stands_in_the_table():
    assert {name.partition(",")[0] for name in SPECS} == kinds()


@pytest.mark.parametrize("name", SPECS)
def test_a_kind_of_target_fulfils_the_contract(name: str, tmp_path: Path):
    spec = TARGETS.validate_python(SPECS[name](tmp_path))
    dataset = Dataset.create_or_open(tmp_path / "results")

    built = load_or_build(spec, dataset)
    assert built.target_id == content_id(spec)
    assert built.facts.build_seconds is not None
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves((built.params, built.data)))
    with jax.enable_x64(True):
        buffers = () if built.buffers is None else (built.buffers,)
        losses = np.asarray(built.loss_fn(built.params, built.data, *buffers))
    assert losses.shape == jax.tree.leaves(built.data)[0].shape[:1] and np.isfinite(losses).all()

    restored = load_or_build(spec, dataset)
    assert_equal(restored, built)

    again = build_target(spec)
    for one, other in zip(jax.tree.leaves(again.params), jax.tree.leaves(built.params), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)

    (row,) = scan_targets(dataset.root).collect().filter(target_id=built.target_id).rows(named=True)
    assert row["target_kind"] == spec.kind and row["spec"]
    num_params = sum(leaf.size for leaf in jax.tree.leaves(built.params))
    assert row["num_params"] == num_params and row["num_data"] == len(losses)

    json.dumps(spec.signature())
    other_seed = spec.model_copy(update={"seed": 1})
    assert name == "random_deep_linear" or other_seed.signature() == spec.signature()
    assert spec.phase in ("building", "training")
    num_data, guess = spec.size
    assert num_data is None or num_data == len(losses) or name == "fine_tuned"
    assert guess is None or 0.3 * num_params <= guess <= 1.5 * num_params

    if isinstance(spec, TrajectoryVariant):
        assert row["step"] == spec.step and row["trajectory_id"] == spec.trajectory_id
        assert (spec.trajectory_id is None) == (spec.step is None)


def assert_equal(one: Target, other: Target) -> None:
    """The same target, bit for bit."""
    assert one.target_id == other.target_id and one.facts == other.facts
    assert one.loss_fn == other.loss_fn and hash(one.loss_fn) == hash(other.loss_fn)
    kept, again = ((target.params, target.data, target.buffers) for target in (one, other))
    for a, b in zip(jax.tree.leaves(kept), jax.tree.leaves(again), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
