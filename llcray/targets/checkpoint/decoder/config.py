"""Reads a decoder's `config.json` of Hugging Face, and refuses what is not supported. Loads no JAX."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from llcray.components.structure import Structure

Activation = Literal["gelu", "gelu_tanh", "silu", "relu"]
ACTIVATIONS: dict[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "silu": "silu",
    "swish": "silu",
    "relu": "relu",
}


@dataclass(frozen=True)
class Rope:
    """Rotary positions (Su et al. 2021, arXiv 2104.09864).

    Attributes:
        theta: Base of the wavelengths.
        dimension: Leading coordinates of a head that are rotated.
        scaling: None, or Llama 3's or linear stretching of the wavelengths.
        factor: Factor of the stretching.
        low_frequency_factor: Factor of Llama 3's stretching below which wavelengths are stretched whole.
        high_frequency_factor: Factor of Llama 3's stretching above which wavelengths are left alone.
        original_length: Positions before the stretching.
    """

    theta: float
    dimension: int
    scaling: Literal["linear", "llama3"] | None = None
    factor: float = 1.0
    low_frequency_factor: float = 1.0
    high_frequency_factor: float = 4.0
    original_length: int = 8192


@dataclass(frozen=True)
class DecoderConfig:
    """A decoder-only transformer; equal by value, so programs are shared between its checkpoints.

    Attributes:
        family: Hugging Face's `model_type`, which decides names and layout.
        num_layers: Blocks.
        num_heads: Query heads.
        num_kv_heads: Key and value heads.
        head_size: Coordinates of a head.
        vocabulary: Number of tokens.
        max_length: Most positions.
        norm_epsilon: Added to the variance in norms.
        activation: Activation of the MLPs.
        rope: Rotary positions; None for learned ones.
        parallel: Whether attention and MLP read the same stream (GPT-NeoX).
        tied: Whether the embeddings are the output weights.
    """

    family: Literal["gpt2", "gpt_neox", "llama", "qwen2", "qwen3"]
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_size: int
    vocabulary: int
    max_length: int
    norm_epsilon: float
    activation: Activation
    rope: Rope | None
    parallel: bool
    tied: bool

    @property
    def structure(self) -> Structure:
        """Numbers of layers and heads, for components."""
        return Structure(self.num_layers, self.num_heads, self.num_kv_heads)


def read_config(folder: Path) -> DecoderConfig:
    """The decoder that the `config.json` of a folder describes.

    Raises:
        ValueError: There is none, the family is another, or it uses something this decoder does not compute.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} holds no config.json: give the folder that save_pretrained wrote")
    raw = json.loads(path.read_text(encoding="utf-8"))
    family = raw.get("model_type")
    readers = {"gpt2": _gpt2, "gpt_neox": _gpt_neox, "llama": _llama, "qwen2": _llama, "qwen3": _llama}
    if family not in readers:
        raise ValueError(
            f"{path} is of model_type {family!r}; read are {', '.join(readers)}. For another model, give its JAX "
            "function as a target of kind: python."
        )
    return readers[family](path, raw)


def _gpt2(path: Path, raw: Mapping[str, Any]) -> DecoderConfig:
    for flag in ("scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "add_cross_attention"):
        _refuse(path, flag, raw.get(flag, False))
    _refuse(path, "scale_attn_weights", raw.get("scale_attn_weights", True) is False)
    width, heads = raw["n_embd"], raw["n_head"]
    return DecoderConfig(
        family="gpt2",
        num_layers=raw["n_layer"],
        num_heads=heads,
        num_kv_heads=heads,
        head_size=width // heads,
        vocabulary=raw["vocab_size"],
        max_length=raw["n_positions"],
        norm_epsilon=raw.get("layer_norm_epsilon", 1e-5),
        activation=_activation(path, raw.get("activation_function", "gelu_new")),
        rope=None,
        parallel=False,
        tied=raw.get("tie_word_embeddings", True),
    )


def _gpt_neox(path: Path, raw: Mapping[str, Any]) -> DecoderConfig:
    width, heads = raw["hidden_size"], raw["num_attention_heads"]
    old = {"rope_theta": raw.get("rotary_emb_base", 10000), "partial_rotary_factor": raw.get("rotary_pct", 0.25)}
    return DecoderConfig(
        family="gpt_neox",
        num_layers=raw["num_hidden_layers"],
        num_heads=heads,
        num_kv_heads=heads,
        head_size=width // heads,
        vocabulary=raw["vocab_size"],
        max_length=raw["max_position_embeddings"],
        norm_epsilon=raw.get("layer_norm_eps", 1e-5),
        activation=_activation(path, raw.get("hidden_act", "gelu")),
        rope=_rope(path, old | _rope_parameters(raw), width // heads),
        parallel=raw.get("use_parallel_residual", True),
        tied=raw.get("tie_word_embeddings", False),
    )


def _llama(path: Path, raw: Mapping[str, Any]) -> DecoderConfig:
    _refuse(path, "use_sliding_window", raw.get("use_sliding_window", False))
    width, heads = raw["hidden_size"], raw["num_attention_heads"]
    head_size = raw.get("head_dim") or (128 if raw["model_type"] == "qwen3" else width // heads)
    old = {"rope_theta": raw.get("rope_theta", 10000.0)}
    return DecoderConfig(
        family=raw["model_type"],
        num_layers=raw["num_hidden_layers"],
        num_heads=heads,
        num_kv_heads=raw.get("num_key_value_heads") or heads,
        head_size=head_size,
        vocabulary=raw["vocab_size"],
        max_length=raw.get("max_position_embeddings", 2048),
        norm_epsilon=raw.get("rms_norm_eps", 1e-6),
        activation=_activation(path, raw.get("hidden_act", "silu")),
        rope=_rope(path, old | _rope_parameters(raw), head_size),
        parallel=False,
        tied=raw.get("tie_word_embeddings", False),
    )


def _rope_parameters(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The rotary parameters, as transformers 5 writes them or as `rope_scaling` of earlier versions."""
    return {**(raw.get("rope_scaling") or {}), **(raw.get("rope_parameters") or {})}


def _rope(path: Path, given: Mapping[str, Any], head_size: int) -> Rope:
    kind = given.get("rope_type", given.get("type", "default"))
    rope = Rope(float(given["rope_theta"]), int(head_size * given.get("partial_rotary_factor", 1.0)))
    if kind == "default":
        return rope
    if kind not in ("linear", "llama3"):
        _refuse(path, f"rope_type {kind}", True)
    return Rope(
        rope.theta,
        rope.dimension,
        kind,
        float(given["factor"]),
        float(given.get("low_freq_factor", 1.0)),
        float(given.get("high_freq_factor", 4.0)),
        int(given.get("original_max_position_embeddings", 8192)),
    )


def _activation(path: Path, name: str) -> Activation:
    if name not in ACTIVATIONS:
        _refuse(path, f"activation {name}", True)
    return ACTIVATIONS[name]


def _refuse(path: Path, what: str, is_used: bool) -> None:
    if is_used:
        raise ValueError(f"{path} uses {what}, which this decoder does not compute. Give a target of kind: python.")
