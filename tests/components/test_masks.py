"""Masks select what their names say, in the layouts that real checkpoints have."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from llcray.components import Structure
from llcray.components.masks import mask_of

D, H, HD = 8, 4, 2
STRUCTURE = Structure(num_layers=2, num_heads=H)


def _zeros(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    return {name: np.zeros(shape) for name, shape in shapes.items()}


def _layers(layer: str, shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {f"{layer}.{number}.{name}": shape for number in range(2) for name, shape in shapes.items()}


GPT2 = _zeros(
    {"transformer.wte.weight": (11, D), "transformer.wpe.weight": (6, D), "transformer.ln_f.weight": (D,)}
    | _layers(
        "transformer.h",
        {
            "ln_1.weight": (D,),
            "attn.c_attn.weight": (D, 3 * D),
            "attn.c_attn.bias": (3 * D,),
            "attn.c_proj.weight": (D, D),
            "attn.c_proj.bias": (D,),
            "mlp.c_fc.weight": (D, 4 * D),
            "mlp.c_proj.weight": (4 * D, D),
        },
    )
)
NEOX = _zeros(
    {"gpt_neox.embed_in.weight": (11, D), "embed_out.weight": (11, D), "gpt_neox.final_layer_norm.weight": (D,)}
    | _layers(
        "gpt_neox.layers",
        {
            "post_attention_layernorm.weight": (D,),
            "attention.query_key_value.weight": (3 * D, D),
            "attention.query_key_value.bias": (3 * D,),
            "attention.dense.weight": (D, D),
            "mlp.dense_h_to_4h.weight": (4 * D, D),
            "mlp.dense_4h_to_h.weight": (D, 4 * D),
        },
    )
)
QWEN = _zeros(
    {"model.embed_tokens.weight": (11, D), "model.norm.weight": (D,), "lm_head.weight": (11, D)}
    | _layers(
        "model.layers",
        {
            "input_layernorm.weight": (D,),
            "self_attn.q_proj.weight": (H * HD, D),
            "self_attn.k_proj.weight": (2 * HD, D),
            "self_attn.v_proj.weight": (2 * HD, D),
            "self_attn.o_proj.weight": (D, H * HD),
            "self_attn.q_norm.weight": (HD,),
            "mlp.gate_proj.weight": (16, D),
            "mlp.down_proj.weight": (D, 16),
        },
    )
)
GROUPED = Structure(num_layers=2, num_heads=H, num_kv_heads=2)
FLAX = {
    "embedding": {"embedding": np.zeros((11, D))},
    "block_1": {
        "attention": {
            "query": {"kernel": np.zeros((D, H, HD)), "bias": np.zeros((H, HD))},
            "out": {"kernel": np.zeros((H, HD, D)), "bias": np.zeros(D)},
        },
        "mlp": {"up": {"kernel": np.zeros((D, 16))}},
    },
    "output": {"kernel": np.zeros((D, 11))},
}


def _count(mask: Any, params: dict[str, np.ndarray]) -> dict[str, int]:
    """Selected entries of every parameter that has any."""
    counts = {name: int(np.broadcast_to(mask[name], leaf.shape).sum()) for name, leaf in params.items()}
    return {name: count for name, count in counts.items() if count}


def test_all_is_no_mask() -> None:
    assert mask_of("all", GPT2) is None
    assert mask_of("l0 + all", GPT2) is None


@pytest.mark.parametrize(
    ("params", "component", "expected"),
    [
        (GPT2, "embed", ["transformer.wte.weight", "transformer.wpe.weight"]),
        (NEOX, "unembed", ["embed_out.weight"]),
        (QWEN, "unembed", ["lm_head.weight"]),
        (QWEN, "embed", ["model.embed_tokens.weight"]),
        (GPT2, "l1 mlp", ["transformer.h.1.mlp.c_fc.weight", "transformer.h.1.mlp.c_proj.weight"]),
        (NEOX, "l1 norm", ["gpt_neox.layers.1.post_attention_layernorm.weight"]),
        (QWEN, "l0 norm", ["model.layers.0.input_layernorm.weight", "model.layers.0.self_attn.q_norm.weight"]),
        (QWEN, "l0 attn v", ["model.layers.0.self_attn.v_proj.weight"]),
        (QWEN, "*/0/mlp/*", ["model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.down_proj.weight"]),
        (QWEN, "k_proj", ["model.layers.0.self_attn.k_proj.weight", "model.layers.1.self_attn.k_proj.weight"]),
        (QWEN, "embed + model.norm", ["model.embed_tokens.weight", "model.norm.weight"]),
    ],
)
def test_words_and_patterns_select_whole_parameters(
    params: dict[str, Any], component: str, expected: list[str]
) -> None:
    """Catches a post-attention norm taken for attention, an output weight taken for an embedding, a lost tensor."""
    assert sorted(_count(mask_of(component, params), params)) == sorted(expected)
    assert all(mask_of(component, params)[name] is True for name in expected)


def test_layers_and_what_stands_outside_of_them_are_everything() -> None:
    """Catches a parameter that belongs to two words, or to none."""
    for params in (GPT2, NEOX, QWEN):
        everything = mask_of(
            "embed + unembed + l0 + l1 + norm" if params is not GPT2 else "embed + l0 + l1 + norm", params
        )
        assert all(np.all(everything[name]) for name in params)


def test_a_head_of_gpt2_is_its_columns_of_the_fused_weight() -> None:
    """Q, K, V one after another along the outputs; the output weight has heads along its inputs."""
    mask = mask_of("l0h1", GPT2, STRUCTURE)
    fused = mask["transformer.h.0.attn.c_attn.weight"]
    columns = [part * D + HD + column for part in range(3) for column in range(HD)]
    assert np.flatnonzero(fused[0]).tolist() == columns and (fused == fused[0]).all()
    assert np.flatnonzero(mask["transformer.h.0.attn.c_proj.weight"][:, 0]).tolist() == [2, 3]
    assert mask["transformer.h.0.attn.c_proj.bias"] is False
    assert np.flatnonzero(mask["transformer.h.0.attn.c_attn.bias"]).tolist() == columns


def test_a_head_of_gpt_neox_is_one_run_of_rows() -> None:
    """Q, K, V of a head stand together: rows (head, 3, head size)."""
    mask = mask_of("l1h2", NEOX, STRUCTURE)
    rows = np.flatnonzero(mask["gpt_neox.layers.1.attention.query_key_value.weight"][:, 0]).tolist()
    assert rows == list(range(2 * 3 * HD, 3 * 3 * HD))
    keys = mask_of("l1h2 k", NEOX, STRUCTURE)["gpt_neox.layers.1.attention.query_key_value.weight"]
    assert np.flatnonzero(keys[:, 0]).tolist() == rows[HD : 2 * HD]


def test_a_head_that_shares_its_keys_owns_queries_and_output_alone() -> None:
    """A group owns the shared keys and values and the heads that use them."""
    head = _count(mask_of("l0h3", QWEN, GROUPED), QWEN)
    assert head == {"model.layers.0.self_attn.q_proj.weight": HD * D, "model.layers.0.self_attn.o_proj.weight": HD * D}
    group = mask_of("l0g1", QWEN, GROUPED)
    assert np.flatnonzero(group["model.layers.0.self_attn.k_proj.weight"][:, 0]).tolist() == [2, 3]
    assert np.flatnonzero(group["model.layers.0.self_attn.q_proj.weight"][:, 0]).tolist() == [4, 5, 6, 7]


def test_heads_of_flax_kernels_are_along_their_own_axis() -> None:
    mask = mask_of("l1h3", FLAX, STRUCTURE)["block_1"]["attention"]
    assert mask["query"]["kernel"][:, 3].all() and mask["query"]["kernel"].sum() == D * HD
    assert mask["out"]["kernel"][3].all() and mask["out"]["kernel"].sum() == D * HD
    assert mask["query"]["bias"].sum() == HD and mask["out"]["bias"] is False
    assert mask_of("unembed", FLAX)["output"]["kernel"] is True


@pytest.mark.parametrize(("params", "structure"), [(GPT2, STRUCTURE), (NEOX, STRUCTURE), (QWEN, GROUPED)])
def test_the_heads_together_are_attention_without_norms_and_output_biases(params: Any, structure: Structure) -> None:
    """Catches heads that overlap or leave a gap."""
    heads = [mask_of(f"l0h{head}", params, structure) for head in range(H)]
    groups = [mask_of(f"l0g{group}", params, structure) for group in range(structure.num_groups or 0)]
    whole = mask_of("l0 attn q + l0 attn k + l0 attn v + l0 attn o", params, structure)
    for name, leaf in params.items():
        total = sum(np.broadcast_to(mask[name], leaf.shape).astype(int) for mask in groups)
        unowned = name.endswith(("c_proj.bias", "dense.bias"))
        assert np.array_equal(total, np.broadcast_to(False if unowned else whole[name], leaf.shape)), name
        assert np.all(sum(np.broadcast_to(mask[name], leaf.shape).astype(int) for mask in heads) <= 1)


def test_masks_of_the_users_own(tmp_path: Path) -> None:
    chosen = np.zeros((11, D), bool)
    chosen[3] = True
    save_file({"transformer.wte.weight": chosen.astype(np.uint8)}, tmp_path / "ticket.safetensors")
    assert _count(mask_of(f"mask:{tmp_path / 'ticket.safetensors'}", GPT2), GPT2) == {"transformer.wte.weight": D}
    save_file({"transformer.wte.weight": np.ones(3, np.uint8)}, tmp_path / "wrong.safetensors")
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        mask_of(f"mask:{tmp_path / 'wrong.safetensors'}", GPT2)


@pytest.mark.parametrize(
    ("component", "words"),
    [
        ("l7", "selects 0 parameters"),
        ("unembed", "Tied output weights are part of embed"),
        ("l0h9", "there is no head 9: there are 4"),
        ("l0 atn", "write all, embed"),
        ("l0 mlp q", "only attention has parts"),
        ("embed +", "empty part"),
    ],
)
def test_what_cannot_be_selected_is_refused_with_a_remedy(component: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        mask_of(component, GPT2, STRUCTURE)


def test_a_head_needs_to_know_how_many_there_are() -> None:
    with pytest.raises(ValueError, match="num_heads"):
        mask_of("l0h0", GPT2)
