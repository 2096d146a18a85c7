"""The decoder computes what PyTorch computes, on checkpoints that `make_fixtures.py` had transformers write."""

import json
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llcray.components.masks import mask_of
from llcray.targets.checkpoint.decoder import read_config
from llcray.targets.checkpoint.decoder.loading import read_params
from llcray.targets.checkpoint.decoder.loss import NextTokenLoss

FIXTURES = Path(__file__).parent / "fixtures"
FAMILIES = ["gpt2", "gpt_neox", "gpt_neox_sequential", "llama", "llama3_rope", "qwen2", "qwen3"]


def load(name: str, **options: Any) -> tuple[NextTokenLoss, dict[str, np.ndarray], dict[str, np.ndarray]]:
    config = read_config(FIXTURES / name)
    params, prefix = read_params(FIXTURES / name, config)
    with np.load(FIXTURES / name / "expected.npz") as expected:
        return NextTokenLoss(config, prefix, **options), params, dict(expected)


@pytest.mark.parametrize("name", FAMILIES)
def test_logits_are_those_of_pytorch(name: str) -> None:
    """To the rounding of float32: catches a swapped axis, a wrong epsilon, activation, rotation or head order."""
    loss, params, expected = load(name)
    logits = np.asarray(jax.jit(loss.logits)(params, expected["tokens"]))
    scale = np.abs(expected["logits"]).max()
    assert scale > 1
    np.testing.assert_allclose(logits, expected["logits"], atol=2e-6 * scale, rtol=0)


@pytest.mark.parametrize("name", FAMILIES)
def test_losses_are_those_of_pytorch(name: str) -> None:
    """The mean over predicted tokens, in nats; the sum is that times their number."""
    loss, params, expected = load(name)
    batch = {"tokens": expected["tokens"]}
    np.testing.assert_allclose(jax.jit(loss)(params, batch), expected["loss"], rtol=3e-6)
    total = jax.jit(load(name, reduction="sum")[0])(params, batch)
    np.testing.assert_allclose(total, expected["loss"] * (expected["tokens"].shape[1] - 1), rtol=3e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_head_whose_values_are_zero_writes_nothing(name: str) -> None:
    """Zeroing head 1's V (and its bias) is zeroing its rows of O, and no other head's: verifies the layout of QKV."""
    loss, params, expected = load(name)
    structure = loss.config.structure
    shared = structure.num_groups != structure.num_heads
    value, output = ("l0g1 v", "l0g1 o") if shared else ("l0h1 v", "l0h1 o")
    compute = jax.jit(loss.logits)
    logits = [
        np.asarray(compute(_zeroed(params, mask_of(component, params, structure)), expected["tokens"]))
        for component in (value, output)
    ]
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-5 * np.abs(logits[1]).max())
    assert np.abs(logits[0] - expected["logits"]).max() > 0.05


@pytest.mark.parametrize("name", ["gpt_neox", "qwen3"])
def test_a_head_whose_queries_are_zero_attends_evenly(name: str) -> None:
    """Without queries (or keys) the scores are flat: verifies which rows are Q and which K."""
    loss, params, expected = load(name)
    structure = loss.config.structure
    flat = [_zeroed(params, mask_of(f"l0 attn {part}", params, structure)) for part in "qk"]
    compute = jax.jit(loss.logits)
    queries, keys = (np.asarray(compute(one, expected["tokens"])) for one in flat)
    np.testing.assert_allclose(queries, keys, atol=1e-5 * np.abs(queries).max())


def _zeroed(params: dict[str, np.ndarray], mask: Any) -> dict[str, np.ndarray]:
    return {name: np.where(mask[name], 0, leaf).astype(leaf.dtype) for name, leaf in params.items()}


def test_padding_changes_nothing() -> None:
    loss, params, expected = load("llama")
    tokens = expected["tokens"]
    padded = np.concatenate([tokens, np.full((3, 4), -1)], axis=1)
    alone, beside = (jax.jit(loss)(params, {"tokens": given}) for given in (tokens, padded))
    np.testing.assert_allclose(beside, alone, rtol=1e-6)


def test_recomputing_blocks_changes_no_gradient() -> None:
    loss, params, expected = load("qwen2")
    remat, batch = load("qwen2", remat=True)[0], {"tokens": expected["tokens"]}
    own, again = (jax.jit(jax.grad(lambda p, f=f: jnp.sum(f(p, batch))))(params) for f in (loss, remat))
    for name in params:
        np.testing.assert_allclose(again[name], own[name], rtol=2e-4, atol=1e-6)


def test_a_half_precision_forward_pass_gives_a_float32_loss() -> None:
    half_loss, params, expected = load("gpt2", compute_dtype="bfloat16")
    half = jax.jit(half_loss)(params, {"tokens": expected["tokens"]})
    assert half.dtype == jnp.float32
    np.testing.assert_allclose(half, expected["loss"], rtol=0.05)


def test_base_models_saved_without_their_prefix_load(tmp_path: Path) -> None:
    """As the first checkpoints of GPT-2 were."""
    from safetensors.numpy import load_file, save_file

    stored = load_file(FIXTURES / "gpt2" / "model.safetensors")
    shutil.copy(FIXTURES / "gpt2" / "config.json", tmp_path)
    save_file({name.removeprefix("transformer."): leaf for name, leaf in stored.items()}, tmp_path / "m.safetensors")
    config = read_config(tmp_path)
    params, prefix = read_params(tmp_path, config)
    expected = load("gpt2")[2]
    assert prefix == ""
    scores = NextTokenLoss(config, prefix).logits(params, expected["tokens"])
    np.testing.assert_allclose(scores, expected["logits"], atol=1e-5 * np.abs(expected["logits"]).max())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "mamba"}, "model_type 'mamba'; read are gpt2"),
        ({"hidden_act": "quick_gelu"}, "activation quick_gelu"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1.0}}, "rope_type yarn"),
        ({"use_sliding_window": True}, "use_sliding_window"),
    ],
)
def test_what_the_decoder_does_not_compute_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    """Catches logits that are silently those of another model."""
    raw = json.loads((FIXTURES / "qwen2" / "config.json").read_text()) | changes
    (tmp_path / "config.json").write_text(json.dumps(raw))
    with pytest.raises(ValueError, match=words):
        read_config(tmp_path)


def test_a_missing_weight_is_named() -> None:
    config = read_config(FIXTURES / "qwen3")
    with pytest.raises(ValueError, match=r"lacks 5 weights .*q_norm"):
        read_params(FIXTURES / "qwen2", config)
