"""Targets kept in a real dataset: built once, the same bits for everyone, damage found and repaired."""

import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from llcray_storage import Dataset, scan_targets
from pydantic import TypeAdapter

from llcray.targets import TargetSpec, stored
from llcray.targets.build import build_target
from llcray.targets.stored import load_or_build, row_of
from llcray.targets.target import Target
from llcray.targets.variant import TargetVariant

TARGETS: TypeAdapter[TargetVariant] = TypeAdapter(TargetSpec)
QUADRATIC = {"kind": "quadratic", "num_params": 4, "rotation_seed": 1, "gradient_noise": 0.1, "num_data": 20}
TRAINED = {
    "architecture": {"kind": "mlp", "widths": [3], "layer_norm": True, "activation": "gelu"},
    "data": {"kind": "digits", "classes": [0, 1], "num_data": 50},
    "noise": {"kind": "label_flip", "rate": 0.1},
    "training": {"kind": "adam", "num_steps": 20, "polish_steps": 2},
}


def spec(fields) -> TargetVariant:
    return TARGETS.validate_python(fields)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset.create_or_open(str(tmp_path / "results"))


@pytest.fixture
def file_target(tmp_path: Path):
    np.savez(tmp_path / "t.npz", x=np.random.default_rng(0).standard_normal((20, 2)), y=np.arange(20) % 3)
    data = {"kind": "file", "path": tmp_path / "t.npz", "inputs": "x", "targets": "y", "predict": "classes"}
    return TRAINED | {"data": data}


def assert_same(one: Target, other: Target) -> None:
    assert one.target_id == other.target_id and one.facts == other.facts
    assert one.loss_fn == other.loss_fn and hash(one.loss_fn) == hash(other.loss_fn)
    for a, b in zip(jax.tree.leaves((one.params, one.data)), jax.tree.leaves((other.params, other.data)), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("fields", [QUADRATIC, TRAINED, {"kind": "deep_linear", "widths": [3, 3, 3], "rank": 1}])
def test_a_stored_target_is_the_one_that_was_built(dataset: Dataset, fields):
    built = load_or_build(spec(fields), dataset)
    assert_same(load_or_build(spec(fields), dataset), built)
    assert len(scan_targets(dataset.root).collect()) == 1


def test_a_stored_target_is_not_trained_again(dataset: Dataset, monkeypatch: pytest.MonkeyPatch):
    load_or_build(spec(TRAINED), dataset)
    monkeypatch.setattr(stored, "build_target", None)
    load_or_build(spec(TRAINED), dataset)


def test_data_from_a_file_are_stored_with_the_target(dataset: Dataset, file_target):
    wanted = spec(file_target)
    built = load_or_build(wanted, dataset)
    Path(file_target["data"]["path"]).unlink()
    assert_same(load_or_build(wanted, dataset), built)


def test_a_damaged_artifact_is_built_anew(dataset: Dataset, tmp_path: Path):
    built = load_or_build(spec(TRAINED), dataset)
    (stored,) = (tmp_path / "results").rglob("targets/*/*.safetensors")
    damaged = bytearray(stored.read_bytes())
    damaged[-1] ^= 1
    stored.write_bytes(damaged)
    again = load_or_build(spec(TRAINED), dataset)
    for one, other in zip(jax.tree.leaves(again.params), jax.tree.leaves(built.params), strict=True):
        np.testing.assert_array_equal(one, other)
    assert dataset.read_target(built.target_id) is not None


def test_the_second_of_two_builders_takes_the_bits_of_the_first(dataset: Dataset, monkeypatch: pytest.MonkeyPatch):
    wanted = spec(QUADRATIC)
    first = build_target(wanted)
    arrays = wanted.stored_arrays(first) | {"params/w": np.full(4, 1e-9)}

    def build_while_another_stores(same: TargetVariant) -> Target:
        dataset.write_target(row_of(same, first), arrays)
        monkeypatch.setattr(stored, "build_target", build_target)
        return build_target(same)

    monkeypatch.setattr(stored, "build_target", build_while_another_stores)
    assert load_or_build(wanted, dataset).params["w"].tolist() == [1e-9] * 4


def test_the_row_tells_what_the_target_is(dataset: Dataset):
    load_or_build(spec(QUADRATIC), dataset)
    (row,) = scan_targets(dataset.root).collect().to_dicts()
    assert (row["target_kind"], row["num_params"], row["num_data"], row["dtype"]) == ("quadratic", 4, 20, "float64")
    assert (row["true_llc"], row["true_llc_kind"], row["loss_at_center"]) == (2.0, "local", 0.0)
    assert (row["true_llc_mcse"], row["true_llc_asymptotic"], row["true_llc_asymptotic_kind"]) == (0.0, 2.0, "local")


def test_without_a_store_the_target_is_built():
    assert load_or_build(spec(QUADRATIC), None).target_id


def make_target(num_params: int) -> Target:
    return Target([np.ones(num_params), np.zeros((2, 2))], mean_square, (np.zeros((5, 1)), np.arange(5)))


def mean_square(params, batch):
    return batch[0][:, 0] + (params[0] ** 2).mean()


def test_a_target_of_a_function_keeps_its_tree_and_its_data(dataset: Dataset, monkeypatch: pytest.MonkeyPatch):
    module = SimpleNamespace(make=make_target)
    monkeypatch.setitem(sys.modules, "somebody", module)
    wanted = spec({"kind": "python", "factory": "somebody:make", "arguments": {"num_params": 3}})
    built = load_or_build(wanted, dataset)
    stored = load_or_build(wanted, dataset)
    assert jax.tree.structure(stored.params) == jax.tree.structure(built.params)
    assert stored.data[1].tolist() == [0, 1, 2, 3, 4]
    module.make = lambda num_params: make_target(num_params + 1)
    with pytest.raises(ValueError, match="another name or argument"):
        load_or_build(wanted, dataset)
