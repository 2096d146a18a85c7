"""Folders of checkpoints as trainers, quantisers and copies leave them: read, or refused in a line with the remedy."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from llcray.data.tokens import Tokens
from llcray.spec import SpecError, load_sweep
from llcray.targets import CheckpointTarget
from llcray.targets.build import build_target
from llcray.targets.checkpoint.decoder.config import read_config
from llcray.targets.checkpoint.decoder.loading import read_params

FIXTURES = Path(__file__).parent / "fixtures"
SWEEP = """
name: sweep
question: Can this folder be read?
targets:
  - kind: checkpoint
    path: "{path}"
    data: {{kind: tokens, path: "{tokens}"}}
samplers: [{{kind: sgld, step_size: 1e-6, batch_size: 4}}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a GPT-2 in one file, within a folder whose name looks like a pattern."""
    return shutil.copytree(FIXTURES / "gpt2", tmp_path / "models [v1]" / "gpt2")


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "model.safetensors")


def renamed(prefix: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        save_file({prefix + name: array for name, array in weights(folder).items()}, folder / "model.safetensors")

    return change


def add_another_model(folder: Path) -> None:
    save_file({name: array + 1 for name, array in weights(folder).items()}, folder / "z.safetensors")


SAME: dict[str, Callable[[Path], None]] = {
    "another model beside model.safetensors": add_another_model,
    "torch.compile": renamed("_orig_mod."),
    "data parallelism": renamed("module."),
    "both": renamed("module._orig_mod."),
    "a merged adapter": renamed("base_model.model."),
}


@pytest.mark.parametrize("name", SAME)
def test_wrapped_names_and_files_beside_the_model_do_not_matter(name: str, folder: Path) -> None:
    expected, _ = read_params(FIXTURES / "gpt2", read_config(FIXTURES / "gpt2"))
    SAME[name](folder)
    params, _ = read_params(folder, read_config(folder))
    assert params.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(params[key], array)


def stored_as(dtype: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        import ml_dtypes

        arrays = weights(folder)
        name = next(name for name, array in arrays.items() if array.ndim == 2 and "c_attn" in name)
        arrays[name] = arrays[name].astype(getattr(ml_dtypes, dtype, None) or dtype)
        save_file(arrays, folder / "model.safetensors")

    return change


def configured(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        raw = json.loads((folder / "config.json").read_text()) | changes
        kept = {name: value for name, value in raw.items() if value != "absent"}
        (folder / "config.json").write_text(json.dumps(kept))

    return change


def config_text(text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "config.json").write_text(text)

    return change


def two_models_without_a_main_file(folder: Path) -> None:
    add_another_model(folder)
    (folder / "model.safetensors").rename(folder / "a.safetensors")


def adapter_alone(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}")


def adapter_within(folder: Path) -> None:
    save_file(
        weights(folder) | {"transformer.h.0.attn.c_attn.lora_A.weight": np.zeros((2, 2), np.float32)},
        folder / "model.safetensors",
    )


def truncated(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def wrong_index(text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "model.safetensors.index.json").write_text(text)

    return change


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "two models": (two_models_without_a_main_file, r"in a\.safetensors and in z\.safetensors"),
    "int8": (stored_as("int8"), "as I8: its weights are quantised"),
    "fp8": (stored_as("float8_e4m3fn"), "as F8_E4M3: its weights are quantised"),
    "quantization_config": (configured(quantization_config={"bits": 4}), "dequantize"),
    "an adapter": (adapter_alone, "merge_and_unload"),
    "an adapter within": (adapter_within, "merge_and_unload"),
    "a truncated file": (truncated, "not a whole safetensors file"),
    "an index outside": (wrong_index('{"weight_map": {"a": "../b.safetensors"}}'), "no file of its folder"),
    "an index of nothing": (wrong_index("[]"), "holds no weight_map"),
    "config: broken": (config_text("{"), "is no JSON"),
    "config: a list": (config_text("[]"), "is a list, not an object"),
    "config: deep": (config_text("[" * 100_000), "is no JSON"),
    "config: another family": (configured(model_type=["gpt2"]), "model_type"),
    "config: a missing width": (configured(n_embd="absent"), "n_embd is missing"),
    "config: no heads": (configured(n_head=0), "n_head is 0"),
    "config: heads that do not divide": (configured(n_head=3), "does not divide"),
    "config: negative layers": (configured(n_layer=-1), "n_layer is -1"),
    "config: layers as a text": (configured(n_layer="many"), "n_layer is 'many'"),
    "config: a billion layers": (configured(n_layer=10**9), "n_layer is 1000000000"),
    "config: epsilon as a text": (configured(layer_norm_epsilon="small"), "layer_norm_epsilon is 'small'"),
    "config: activation as a list": (configured(activation_function=[1]), "activation"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_that_cannot_be_read_is_refused_when_the_sweep_is_loaded(
    name: str, folder: Path, tmp_path: Path
) -> None:
    change, message = REFUSED[name]
    change(folder)
    np.save(tmp_path / "t.npy", np.ones((4, 8), int))
    (tmp_path / "sweep.yaml").write_text(SWEEP.format(path=folder, tokens=tmp_path / "t.npy"))
    with pytest.raises(SpecError, match=message) as error:
        load_sweep(tmp_path / "sweep.yaml")
    assert all("\n" not in problem.message for problem in error.value.problems)


def test_tokens_are_checked_against_the_model_when_the_sweep_is_loaded(folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.full((4, 8), 29))
    (tmp_path / "sweep.yaml").write_text(SWEEP.format(path=folder, tokens=tmp_path / "t.npy"))
    with pytest.raises(SpecError, match="holds token 29"):
        load_sweep(tmp_path / "sweep.yaml")


def test_brackets_in_a_path_are_no_pattern(folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.ones((4, 8), int))
    data = Tokens(path=tmp_path / "t.npy")
    assert build_target(CheckpointTarget(path=folder, data=data)).params
    for step in (1, 2):
        shutil.copytree(folder, folder.parent / f"checkpoint-{step}")
    assert len(CheckpointTarget(path=folder.parent / "checkpoint-*", data=data).checkpointed()) == 2
