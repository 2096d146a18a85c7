"""Names of the tensors of each family, relative to the base model's prefix."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llcray.targets.checkpoint.decoder.config import DecoderConfig


@dataclass(frozen=True)
class Names:
    """Names under which a family keeps its tensors; a name without `.weight` is a module.

    Attributes:
        prefix: Prefix of the base model in a causal language model.
        embedding: Token embeddings.
        positions: Position embeddings; empty for rotary ones.
        layers: The list of blocks.
        first_norm: The norm before attention.
        second_norm: The norm before the MLP.
        attention: Modules of attention in a block: fused QKV and O, or Q, K, V and O.
        mlp: Modules of the MLP: in and out, or gate, in and out.
        last_norm: The norm before the output.
        output: The output weights, without the prefix.
        norms: `layer` with mean and bias, or `rms`.
    """

    prefix: str
    embedding: str
    positions: str
    layers: str
    first_norm: str
    second_norm: str
    attention: tuple[str, ...]
    mlp: tuple[str, ...]
    last_norm: str
    output: str
    norms: str


GPT2 = Names(
    "transformer.",
    "wte",
    "wpe",
    "h",
    "ln_1",
    "ln_2",
    ("attn.c_attn", "attn.c_proj"),
    ("mlp.c_fc", "mlp.c_proj"),
    "ln_f",
    "lm_head",
    "layer",
)
GPT_NEOX = Names(
    "gpt_neox.",
    "embed_in",
    "",
    "layers",
    "input_layernorm",
    "post_attention_layernorm",
    ("attention.query_key_value", "attention.dense"),
    ("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
    "final_layer_norm",
    "embed_out",
    "layer",
)
LLAMA = Names(
    "model.",
    "embed_tokens",
    "",
    "layers",
    "input_layernorm",
    "post_attention_layernorm",
    ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"),
    ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
    "norm",
    "lm_head",
    "rms",
)
FAMILIES = {"gpt2": GPT2, "gpt_neox": GPT_NEOX, "llama": LLAMA, "qwen2": LLAMA, "qwen3": LLAMA}
WRAPPERS = ("_orig_mod.", "module.", "_fsdp_wrapped_module.", "base_model.model.")
QK_NORMS = ("self_attn.q_norm", "self_attn.k_norm")


def names_of(config: DecoderConfig) -> Names:
    """The names of a decoder's family."""
    return FAMILIES[config.family]


def prefix_in(config: DecoderConfig, stored: Iterable[str]) -> str:
    """The base model's prefix as a checkpoint has it: some were saved without."""
    names = names_of(config)
    return names.prefix if f"{names.prefix}{names.embedding}.weight" in set(stored) else ""


def weights_of(config: DecoderConfig, prefix: str) -> Iterator[str]:
    """The weights that a checkpoint must hold; biases are optional."""
    names = names_of(config)
    yield f"{prefix}{names.embedding}.weight"
    if names.positions:
        yield f"{prefix}{names.positions}.weight"
    blocks = [names.first_norm, names.second_norm, *names.attention, *names.mlp]
    blocks += QK_NORMS if config.family == "qwen3" else ()
    for layer in range(config.num_layers):
        yield from (f"{prefix}{names.layers}.{layer}.{module}.weight" for module in blocks)
    yield f"{prefix}{names.last_norm}.weight"
    if not config.tied:
        yield f"{names.output}.weight"


def unwrapped(name: str) -> str:
    """A tensor's name without the prefixes of `torch.compile`, of data parallelism and of a merged adapter."""
    while prefix := next((prefix for prefix in WRAPPERS if name.startswith(prefix)), None):
        name = name.removeprefix(prefix)
    return name
