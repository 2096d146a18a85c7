"""Roles of parameters, told from their paths: layer, block and part.

The names of Hugging Face's GPT-2, GPT-NeoX, Llama and Qwen are known, and those of flax and PyTorch modules in general.
A parameter whose name says nothing has no block; patterns still find it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from llcray.components.grammar import Block

NUMBERED = re.compile(r"(?:[a-z_]*?[a-z]_?)?(\d+)")
NORM = re.compile(r"norm|^ln(?:_|\d|$)")
UNEMBED = re.compile(r"unembed|embed_out|lm_head|^(?:output|head|readout|decoder)$")
EMBED = re.compile(r"embed|^wte$|^wpe$")
ATTENTION = re.compile(r"attn|attention")
MLP = re.compile(r"mlp|feed_?forward|ffn")
PARTS = {
    "q": re.compile(r"^(?:q|wq|w_q|q_proj|query|to_q)$"),
    "k": re.compile(r"^(?:k|wk|w_k|k_proj|key|to_k)$"),
    "v": re.compile(r"^(?:v|wv|w_v|v_proj|value|to_v)$"),
    "o": re.compile(r"^(?:o|wo|w_o|o_proj|out|out_proj|c_proj|dense|output|to_out)$"),
    "qkv": re.compile(r"^(?:c_attn|query_key_value|qkv|in_proj|in_proj_weight|in_proj_bias|qkv_proj)$"),
}


@dataclass(frozen=True)
class Role:
    """The role of a parameter in a network.

    Attributes:
        layer: Number of the layer, None outside of layers.
        block: Sort of block that the parameter belongs to, None where its name does not say.
        part: q, k, v, o or qkv of attention; norm for a norm inside of attention.
    """

    layer: int | None = None
    block: Block | None = None
    part: str | None = None


def words_of(path: str) -> list[str]:
    """The parts of a path in lower case; `/` and `.` separate."""
    return re.split(r"[/.]", path.lower())


@lru_cache(maxsize=65536)
def role_of(path: str) -> Role:
    """The role of the parameter at a path such as `model.layers.0.self_attn.q_proj.weight`."""
    words = words_of(path)
    modules = words[:-1] or words
    layer = next((int(match[1]) for word in modules if (match := NUMBERED.fullmatch(word))), None)
    if any(ATTENTION.search(word) for word in modules):
        # After the last word that says attention: `attention.query`, `attn.c_attn`; norms within stay with it.
        inside = words[max(i for i, word in enumerate(words) if ATTENTION.search(word)) :]
        if _any(NORM, inside) or (_any(NORM, modules) and not _part(inside)):
            return Role(layer, *(("attn", "norm") if _within_attention(modules) else ("norm", None)))
        return Role(layer, "attn", _part(inside))
    for block, pattern in (("norm", NORM), ("unembed", UNEMBED), ("embed", EMBED), ("mlp", MLP)):
        if _any(pattern, modules):
            # `head` or `output` names the map to logits only outside of layers.
            return Role(layer, block) if block != "unembed" or layer is None else Role(layer)  # pyright: ignore[reportArgumentType]
    return Role(layer)


def _within_attention(modules: list[str]) -> bool:
    """Whether a norm is a part of attention (`self_attn.q_norm`), not beside it (`post_attention_layernorm`)."""
    return any(ATTENTION.search(word) and not NORM.search(word) for word in modules)


def _part(words: list[str]) -> str | None:
    return next((part for word in words for part, pattern in PARTS.items() if pattern.search(word)), None)


def _any(pattern: re.Pattern[str], words: list[str]) -> bool:
    return any(pattern.search(word) for word in words)
