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


class UnknownArchitectureError(ValueError):
    """A configuration may be whole, and describes what the built-in decoder does not compute."""


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
    def longest(self) -> int | None:
        """Most positions; None where rotary ones take any number."""
        return self.max_length if self.rope is None else None

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
    if (folder / "adapter_config.json").is_file():
        raise UnknownArchitectureError(
            f"{folder} holds an adapter, not a whole model: load it with PEFT, call merge_and_unload() and save the "
            "result with save_pretrained"
        )
    if not path.is_file():
        raise ValueError(f"{folder} holds no config.json: give the folder that save_pretrained wrote")
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON ({error}). Copy it again.") from error
    if not isinstance(raw, dict):
        raise ValueError(f"{path} is a {type(raw).__name__}, not an object with a model_type. Copy it again.")
    if raw.get("quantization_config"):
        raise ValueError(
            f"{path} has a quantization_config: chains move in floating-point weights. Give the folder of the model "
            "before it was quantised, or call dequantize() and save_pretrained."
        )
    family = raw.get("model_type")
    readers = {"gpt2": _gpt2, "gpt_neox": _gpt_neox, "llama": _llama, "qwen2": _llama, "qwen3": _llama}
    if not isinstance(family, str) or family not in readers:
        kind = UnknownArchitectureError if isinstance(family, str) else ValueError
        raise kind(
            f"{path} is of model_type {family!r}; read are {', '.join(readers)}. For another model, give its JAX "
            "function as a target of kind: python."
        )
    return readers[family](_Fields(path, raw))


@dataclass(frozen=True)
class _Fields:
    """The entries of a `config.json`; each is checked when it is read.

    Attributes:
        path: The file.
        raw: Its entries.
    """

    path: Path
    raw: Mapping[str, Any]

    def get(self, name: str, default: Any = None) -> Any:
        """An entry of any form."""
        return self.raw.get(name, default)

    def count(self, name: str, default: int | None = None, most: int = 10**8) -> int:
        """A whole number from 1.

        Raises:
            ValueError: There is no such entry and no default, or it is something else.
        """
        value = default if self.raw.get(name) is None else self.raw[name]
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise ValueError(
                f"{self.path}: {name} is {_shown(value)}; it must be a whole number from 1 to {most}. Copy the file "
                "again."
            )
        return value

    def number(self, name: str, default: float) -> float:
        """A finite number above 0.

        Raises:
            ValueError: The entry is something else.
        """
        return _positive(self.path, name, self.raw.get(name, default))

    def flag(self, name: str, default: bool) -> bool:
        """A truth value.

        Raises:
            ValueError: The entry is something else.
        """
        value = self.raw.get(name, default)
        if not isinstance(value, bool):
            raise ValueError(f"{self.path}: {name} is {_shown(value)}; it must be true or false. Copy the file again.")
        return value

    def head_size(self, width: str, heads: str) -> int:
        """The width of a head, where heads share the width of the model.

        Raises:
            ValueError: The heads cannot share it.
        """
        size, rest = divmod(self.count(width), self.count(heads))
        if rest:
            raise ValueError(
                f"{self.path}: {heads} {self.count(heads)} does not divide {width} {self.count(width)}. Copy the file "
                "again."
            )
        return size


def _positive(path: Path, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"{path}: {name} is {_shown(value)}; it must be a number above 0. Copy the file again.")
    return value


def _shown(value: Any) -> str:
    return "missing" if value is None else f"{value!r}"[:40]


def _gpt2(fields: _Fields) -> DecoderConfig:
    for flag in ("scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn", "add_cross_attention"):
        _refuse(fields.path, flag, fields.get(flag, False))
    _refuse(fields.path, "scale_attn_weights", fields.get("scale_attn_weights", True) is False)
    heads = fields.count("n_head")
    return DecoderConfig(
        family="gpt2",
        num_layers=fields.count("n_layer", most=10_000),
        num_heads=heads,
        num_kv_heads=heads,
        head_size=fields.head_size("n_embd", "n_head"),
        vocabulary=fields.count("vocab_size"),
        max_length=fields.count("n_positions"),
        norm_epsilon=fields.number("layer_norm_epsilon", 1e-5),
        activation=_activation(fields.path, fields.get("activation_function", "gelu_new")),
        rope=None,
        parallel=False,
        tied=fields.flag("tie_word_embeddings", True),
    )


def _gpt_neox(fields: _Fields) -> DecoderConfig:
    heads, head_size = fields.count("num_attention_heads"), fields.head_size("hidden_size", "num_attention_heads")
    old = {"rope_theta": fields.get("rotary_emb_base", 10000), "partial_rotary_factor": fields.get("rotary_pct", 0.25)}
    return DecoderConfig(
        family="gpt_neox",
        num_layers=fields.count("num_hidden_layers", most=10_000),
        num_heads=heads,
        num_kv_heads=heads,
        head_size=head_size,
        vocabulary=fields.count("vocab_size"),
        max_length=fields.count("max_position_embeddings"),
        norm_epsilon=fields.number("layer_norm_eps", 1e-5),
        activation=_activation(fields.path, fields.get("hidden_act", "gelu")),
        rope=_rope(fields.path, old | _rope_parameters(fields), head_size),
        parallel=fields.flag("use_parallel_residual", True),
        tied=fields.flag("tie_word_embeddings", False),
    )


def _llama(fields: _Fields) -> DecoderConfig:
    _refuse(fields.path, "use_sliding_window", fields.get("use_sliding_window", False))
    heads, family = fields.count("num_attention_heads"), fields.get("model_type")
    if fields.get("head_dim") is None and family != "qwen3":
        head_size = fields.head_size("hidden_size", "num_attention_heads")
    else:
        head_size = fields.count("head_dim", 128)
    old = {"rope_theta": fields.get("rope_theta", 10000.0)}
    return DecoderConfig(
        family=family,
        num_layers=fields.count("num_hidden_layers", most=10_000),
        num_heads=heads,
        num_kv_heads=fields.count("num_key_value_heads", heads),
        head_size=head_size,
        vocabulary=fields.count("vocab_size"),
        max_length=fields.count("max_position_embeddings", 2048),
        norm_epsilon=fields.number("rms_norm_eps", 1e-6),
        activation=_activation(fields.path, fields.get("hidden_act", "silu")),
        rope=_rope(fields.path, old | _rope_parameters(fields), head_size),
        parallel=False,
        tied=fields.flag("tie_word_embeddings", False),
    )


def _rope_parameters(fields: _Fields) -> dict[str, Any]:
    """The rotary parameters, as transformers 5 writes them or as `rope_scaling` of earlier versions."""
    parameters: dict[str, Any] = {}
    for name in ("rope_scaling", "rope_parameters"):
        value = fields.get(name) or {}
        if not isinstance(value, dict):
            raise ValueError(f"{fields.path}: {name} is {_shown(value)}; it must be an object. Copy the file again.")
        parameters |= value
    return parameters


def _rope(path: Path, given: Mapping[str, Any], head_size: int) -> Rope:
    kind = given.get("rope_type", given.get("type", "default"))

    def number(name: str, default: float | None = None) -> float:
        return float(_positive(path, name, given.get(name, default)))

    rope = Rope(number("rope_theta"), int(head_size * number("partial_rotary_factor", 1.0)))
    if kind == "default":
        return rope
    if kind not in ("linear", "llama3"):
        _refuse(path, f"rope_type {kind}", True)
    return Rope(
        rope.theta,
        rope.dimension,
        kind,
        number("factor"),
        number("low_freq_factor", 1.0),
        number("high_freq_factor", 4.0),
        int(number("original_max_position_embeddings", 8192)),
    )


def _activation(path: Path, name: str) -> Activation:
    if not isinstance(name, str) or name not in ACTIVATIONS:
        _refuse(path, f"activation {name}", True)
    return ACTIVATIONS[name]


def _refuse(path: Path, what: str, is_used: bool) -> None:
    if is_used:
        raise UnknownArchitectureError(
            f"{path} uses {what}, which this decoder does not compute. Give a target of kind: python."
        )
