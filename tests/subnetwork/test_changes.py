"""Update sparsity on synthetic masks: every number is known by construction."""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from llcray.cli import main
from llcray.subnetwork import changes, open_checkpoint, overlap, summarize

RNG = np.random.default_rng(0)
ATTENTION, MLP, NORM = "h.0.attn.c_attn.weight", "h.0.mlp.c_fc.weight", "h.0.ln_1.weight"


def _model(dtype: str = "float32") -> dict[str, np.ndarray]:
    shapes = {"wte.weight": (20, 8), ATTENTION: (8, 24), MLP: (8, 32), NORM: (8,)}
    return {name: RNG.uniform(0.5, 1.0, shape).astype(np.dtype(dtype)) for name, shape in shapes.items()}


def _save(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    save_file(tensors, path)
    return path


def _updated(model: dict[str, np.ndarray], by_name: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: (leaf + by_name.get(name, np.zeros(1))).astype(leaf.dtype) for name, leaf in model.items()}


def test_sparsity_counts_the_entries_of_a_mask(tmp_path: Path) -> None:
    """24 of 192 entries of one tensor move: pooled by element, and the mean over tensors, which is another number."""
    mask = np.zeros((8, 24))
    mask.reshape(-1)[::8] = 0.25
    model = _model()
    files = [
        _save(tmp_path / "a.safetensors", model),
        _save(tmp_path / "b.safetensors", _updated(model, {ATTENTION: mask})),
    ]
    before, after = map(open_checkpoint, files)
    found = list(changes(before, after))
    [whole] = summarize(found)
    num_params = 20 * 8 + 8 * 24 + 8 * 32 + 8
    assert whole.num_params == num_params
    assert whole.sparsity_exact == whole.sparsity_tolerance == 1 - 24 / num_params
    assert whole.sparsity_tensor_mean == pytest.approx(1 - (24 / 192) / 4)
    groups = {group.group: group for group in summarize(found, "component")}
    assert list(groups) == ["embed", "l0 attn", "l0 mlp", "l0 norm"]
    assert groups["l0 attn"].sparsity_exact == 1 - 24 / 192 and groups["l0 mlp"].sparsity_exact == 1
    assert {group.group: group.num_params for group in summarize(found, "layer")} == {"l0": 456, "other": 160}


def test_precision_decides_what_counts_as_unchanged(tmp_path: Path) -> None:
    """A step of 1e-4 on entries in [0.5, 1): seen by float32, lost in bfloat16 whose spacing there is 2^-8."""
    model = _model()
    after = _updated(model, {name: np.full(1, 1e-4) for name in model})
    files = [_save(tmp_path / "a.safetensors", model), _save(tmp_path / "b.safetensors", after)]
    a, b = map(open_checkpoint, files)
    [exact] = summarize(changes(a, b))
    [paper] = summarize(changes(a, b, compare_dtype="bfloat16"))
    assert exact.sparsity_exact == exact.sparsity_tolerance == 0 and exact.compare_dtypes == ("float32",)
    assert exact.sparsity_relative == 1
    # Rounding to nearest: a step s crosses a midpoint with probability s / spacing = 1e-4 x 2^8 = 2.6% or less.
    assert 0.9 < paper.sparsity_exact < 1 and paper.storage_dtypes == ("float32",)


def test_the_tolerance_is_inclusive_and_rounded_to_the_type(tmp_path: Path) -> None:
    """Around zero bfloat16 resolves 1e-5: entries of 9e-6 and 1e-5 are unchanged, of 2e-5 not."""
    old = {"w": np.zeros(4, ml_dtypes.bfloat16)}
    new = {"w": np.array([0, 9e-6, 1e-5, 2e-5], ml_dtypes.bfloat16)}
    a, b = (_save(tmp_path / f"{i}.safetensors", model) for i, model in enumerate((old, new)))
    [change] = changes(open_checkpoint(a), open_checkpoint(b))
    assert (change.num_unchanged_exact, change.num_unchanged_tolerance) == (1, 3)
    assert change.storage_dtype == "bfloat16"


def test_the_rank_is_that_of_the_update(tmp_path: Path) -> None:
    """Rank 3 of 8; norms and vectors have none."""
    update = sum(np.outer(RNG.normal(size=8), RNG.normal(size=32)) for _ in range(3))
    model = _model()
    after = _updated(model, {MLP: np.asarray(update)})
    a, b = (_save(tmp_path / f"{i}.safetensors", one) for i, one in enumerate((model, after)))
    found = {change.name: change.rank_fraction for change in changes(open_checkpoint(a), open_checkpoint(b))}
    # float32 storage rounds the update, so its small singular values are of the size of the spacing, below tolerance.
    assert found[MLP] == 3 / 8 and found[NORM] is None and found[ATTENTION] == 0


def test_overlap_against_chance(tmp_path: Path) -> None:
    zeros = np.zeros((8, 32))
    first, second = zeros.copy(), zeros.copy()
    first[:4], second[2:4] = 0.1, 0.1
    model = _model()
    paths = [tmp_path / f"{name}.safetensors" for name in "abc"]
    for path, update in zip(paths, (zeros, first, second), strict=True):
        _save(path, _updated(model, {MLP: update}))
    found = overlap(*map(open_checkpoint, paths))
    assert (found.num_first, found.num_second, found.num_both) == (128, 64, 64)
    assert (found.of_first, found.of_second, found.jaccard) == (0.5, 1.0, 0.5)
    assert found.chance_of_first == 64 / 616 and found.chance_of_second == 128 / 616


def test_sharded_folders_and_what_a_trainer_noted(tmp_path: Path) -> None:
    """As the Trainer of Hugging Face leaves a checkpoint."""
    model = _model("bfloat16")
    folder = tmp_path / "checkpoint-30"
    folder.mkdir()
    names = list(model)
    shards = {"model-00001-of-00002.safetensors": names[:2], "model-00002-of-00002.safetensors": names[2:]}
    for shard, own in shards.items():
        save_file({name: model[name] for name in own}, folder / shard)
    weight_map = {name: shard for shard, own in shards.items() for name in own}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    state = {"global_step": 30, "log_history": [{"learning_rate": 1e-6}, {"learning_rate": 5e-7}, {"loss": 1.0}]}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    found = open_checkpoint(folder)
    assert found.names == sorted(names) and (found.steps, found.learning_rate) == (30, 1e-6)
    assert found.read(MLP).dtype == ml_dtypes.bfloat16
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ValueError, match="lacks model-00002"):
        open_checkpoint(folder)


def test_of_a_stored_target_the_parameters_count(tmp_path: Path) -> None:
    path = _save(tmp_path / "target.safetensors", {"params/w": np.ones(3), "data/x": np.ones(9)})
    assert open_checkpoint(path).names == ["w"] and open_checkpoint(path).read("w").shape == (3,)


def test_different_models_are_refused(tmp_path: Path) -> None:
    a = _save(tmp_path / "a.safetensors", {"w": np.ones(3)})
    b = _save(tmp_path / "b.safetensors", {"v": np.ones(3)})
    with pytest.raises(ValueError, match="merge adapters first"):
        list(changes(open_checkpoint(a), open_checkpoint(b)))
    with pytest.raises(ValueError, match="there is no checkpoint"):
        open_checkpoint(tmp_path / "nowhere")


def test_the_command_says_precision_rate_and_steps_beside_the_number(tmp_path: Path) -> None:
    model = _model()
    a = _save(tmp_path / "a.safetensors", model)
    b = _save(tmp_path / "b.safetensors", _updated(model, {MLP: np.full(1, 0.1)}))
    arguments = ["subnetwork", str(a), str(b), "--compare-dtype", "bfloat16", "--steps", "150", "--by", "component"]
    shown = CliRunner().invoke(
        main, [*arguments, "--learning-rate", "3e-4", "--overlap", str(b)], env={"COLUMNS": "160"}
    )
    assert shown.exit_code == 0, shown.output
    for word in ("bfloat16", "float32", "150", "0.0003", "l0 mlp", "o1 1.000"):
        assert word in shown.output, word
    lines = CliRunner().invoke(main, [*arguments, "--json"]).output.splitlines()
    assert [json.loads(line)["group"] for line in lines] == ["embed", "l0 attn", "l0 mlp", "l0 norm"]
