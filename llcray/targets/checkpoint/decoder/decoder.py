"""A decoder-only transformer as a function of a checkpoint's own tensors, `{name: array}`.

    h = E[tokens] (+ P);    h += attention(norm(h));    h += mlp(norm(h));    logits = W norm(h)

GPT-NeoX adds both to the same h. PyTorch's linear weights are (outputs, inputs), GPT-2's (inputs, outputs).
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from llcray.array_types import Array
from llcray.targets.checkpoint.decoder.config import Activation, DecoderConfig, Rope
from llcray.targets.checkpoint.decoder.names import Names, names_of

Params = Mapping[str, Array]
ACTIVATIONS: dict[Activation, Any] = {
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: jax.nn.gelu(x, approximate=True),
    "silu": jax.nn.silu,
    "relu": jax.nn.relu,
}


def logits(config: DecoderConfig, params: Params, tokens: Array, prefix: str, *, remat: bool = False) -> Array:
    """Logits (batch, position, vocabulary) of the next token at every position.

    Args:
        config: The decoder.
        params: Its tensors by name.
        tokens: Whole numbers (batch, position).
        prefix: Of the base model's names.
        remat: Whether blocks are computed again in the backward pass instead of kept.
    """
    names = names_of(config)
    embedding = params[f"{prefix}{names.embedding}.weight"]
    h = embedding[tokens]
    if names.positions:
        h = h + params[f"{prefix}{names.positions}.weight"][: tokens.shape[1]]
    rotation = None if config.rope is None else _rotation(config.rope, tokens.shape[1], h.dtype)

    def block(h: Array, own: Params) -> Array:
        return _block(config, names, own, h, rotation)

    step = jax.checkpoint(block) if remat else block
    for layer in range(config.num_layers):
        h = step(h, _within(params, f"{prefix}{names.layers}.{layer}."))
    h = _norm(config, names, params, f"{prefix}{names.last_norm}", h)
    return h @ (embedding if config.tied else params[f"{names.output}.weight"]).T


def _within(params: Params, start: str) -> Params:
    return {name.removeprefix(start): leaf for name, leaf in params.items() if name.startswith(start)}


def _block(config: DecoderConfig, names: Names, own: Params, h: Array, rotation: Any) -> Array:
    attended = _attention(config, names, own, _norm(config, names, own, names.first_norm, h), rotation)
    if config.parallel:
        return h + attended + _mlp(config, names, own, _norm(config, names, own, names.second_norm, h))
    h = h + attended
    return h + _mlp(config, names, own, _norm(config, names, own, names.second_norm, h))


def _attention(config: DecoderConfig, names: Names, own: Params, x: Array, rotation: Any) -> Array:
    q, k, v = _queries_keys_values(config, names, own, x)
    if rotation is not None:
        q, k = _rotate(q, rotation), _rotate(k, rotation)
    shared = config.num_heads // config.num_kv_heads
    k, v = (jnp.repeat(part, shared, axis=2) if shared > 1 else part for part in (k, v))
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / jnp.sqrt(jnp.asarray(config.head_size, x.dtype))
    length = x.shape[1]
    seen = jnp.tril(jnp.ones((length, length), bool))
    # The softmax of a half-precision forward pass is taken in float32.
    wide = jnp.promote_types(x.dtype, jnp.float32)
    weights = jax.nn.softmax(jnp.where(seen, scores.astype(wide), -jnp.inf), axis=-1).astype(x.dtype)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", weights, v)
    return _linear(config, own, names.attention[-1], mixed.reshape(*mixed.shape[:2], -1))


def _queries_keys_values(config: DecoderConfig, names: Names, own: Params, x: Array) -> tuple[Array, Array, Array]:
    """Each (batch, position, head, head size)."""
    heads, size = config.num_heads, config.head_size
    if config.family == "gpt_neox":
        fused = _linear(config, own, names.attention[0], x).reshape(*x.shape[:2], heads, 3, size)
        return fused[..., 0, :], fused[..., 1, :], fused[..., 2, :]
    if config.family == "gpt2":
        fused = _linear(config, own, names.attention[0], x).reshape(*x.shape[:2], 3, heads, size)
        return fused[:, :, 0], fused[:, :, 1], fused[:, :, 2]
    q, k, v = (_linear(config, own, module, x).reshape(*x.shape[:2], -1, size) for module in names.attention[:3])
    if config.family == "qwen3":
        q, k = (_rms(config, own[f"self_attn.{n}_norm.weight"], part) for n, part in (("q", q), ("k", k)))
    return q, k, v


def _mlp(config: DecoderConfig, names: Names, own: Params, x: Array) -> Array:
    *into, back = names.mlp
    hidden = ACTIVATIONS[config.activation](_linear(config, own, into[0], x))
    if len(into) > 1:
        hidden = hidden * _linear(config, own, into[1], x)
    return _linear(config, own, back, hidden)


def _linear(config: DecoderConfig, own: Params, module: str, x: Array) -> Array:
    weight, bias = own[f"{module}.weight"], own.get(f"{module}.bias")
    y = x @ weight if config.family == "gpt2" else x @ weight.T
    return y if bias is None else y + bias


def _norm(config: DecoderConfig, names: Names, own: Params, module: str, x: Array) -> Array:
    weight = own[f"{module}.weight"]
    if names.norms == "rms":
        return _rms(config, weight, x)
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    wide = wide - jnp.mean(wide, axis=-1, keepdims=True)
    scaled = wide * jax.lax.rsqrt(jnp.mean(wide**2, axis=-1, keepdims=True) + config.norm_epsilon)
    return scaled.astype(x.dtype) * weight + own[f"{module}.bias"]


def _rms(config: DecoderConfig, weight: Array, x: Array) -> Array:
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    scaled = wide * jax.lax.rsqrt(jnp.mean(wide**2, axis=-1, keepdims=True) + config.norm_epsilon)
    return weight * scaled.astype(x.dtype)


def _rotation(rope: Rope, length: int, dtype: Any) -> tuple[Array, Array]:
    """Cosines and sines (position, 1, dimension)."""
    angles = jnp.arange(length)[:, None] * jnp.asarray(_frequencies(rope))
    angles = jnp.concatenate([angles, angles], axis=-1)[:, None, :]
    return jnp.cos(angles).astype(dtype), jnp.sin(angles).astype(dtype)


def _frequencies(rope: Rope) -> Array:
    frequencies = rope.theta ** (-jnp.arange(0, rope.dimension, 2, dtype=jnp.float32) / rope.dimension)
    if rope.scaling == "linear":
        return frequencies / rope.factor
    if rope.scaling is None:
        return frequencies
    # Llama 3: long wavelengths are stretched, short ones kept, those between blended.
    turns = rope.original_length * frequencies / (2 * jnp.pi)
    low, high = rope.low_frequency_factor, rope.high_frequency_factor
    kept = jnp.clip((turns - low) / (high - low), 0, 1)
    return frequencies * (kept + (1 - kept) / rope.factor)


def _rotate(x: Array, rotation: tuple[Array, Array]) -> Array:
    cos, sin = rotation
    rotated, rest = x[..., : cos.shape[-1]], x[..., cos.shape[-1] :]
    first, second = jnp.split(rotated, 2, axis=-1)
    turned = rotated * cos + jnp.concatenate([-second, first], axis=-1) * sin
    return jnp.concatenate([turned, rest], axis=-1)
