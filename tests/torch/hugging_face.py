"""Small random models of transformers: decoders by family, and others, each with a loss of single examples and data."""

from collections.abc import Callable
from typing import Any

import torch
import transformers

Made = tuple[Any, Callable[[Any, Any], torch.Tensor], dict[str, torch.Tensor]]
DECODER: dict[str, Any] = {
    "vocab_size": 29, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 4,
    "max_position_embeddings": 32,
}  # fmt: skip
GROUPED = DECODER | {"num_key_value_heads": 2}
OLD: dict[str, Any] = {"vocab_size": 29, "hidden_size": 16, "max_position_embeddings": 32}
IDS: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 0}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "gemma": ("GemmaConfig", GROUPED | {"head_dim": 4}),
    "gemma2": ("Gemma2Config", GROUPED | {"head_dim": 4, "sliding_window": 4}),
    "gemma3": ("Gemma3TextConfig", GROUPED | {"head_dim": 4, "sliding_window": 4}),
    "mistral": ("MistralConfig", GROUPED | {"sliding_window": 4}),
    "phi": ("PhiConfig", DECODER),
    "phi3": ("Phi3Config", GROUPED | {"pad_token_id": 0}),
    "opt": ("OPTConfig", OLD | {"ffn_dim": 24, "num_hidden_layers": 1, "num_attention_heads": 4,
                                "word_embed_proj_dim": 16}),
    "gptj": ("GPTJConfig", IDS | {"vocab_size": 29, "n_embd": 16, "n_layer": 1, "n_head": 4, "n_positions": 32,
                                  "rotary_dim": 4}),
    "gpt_neo": ("GPTNeoConfig", IDS | OLD | {"num_layers": 2, "num_heads": 4, "window_size": 4,
                                             "attention_types": [[["global", "local"], 1]]}),
    "bloom": ("BloomConfig", {"vocab_size": 29, "hidden_size": 16, "n_layer": 1, "n_head": 4}),
    "falcon": ("FalconConfig", {"vocab_size": 29, "hidden_size": 16, "num_hidden_layers": 1,
                                "num_attention_heads": 4}),
    "olmo2": ("Olmo2Config", GROUPED),
    "stablelm": ("StableLmConfig", GROUPED),
    "mixtral": ("MixtralConfig", GROUPED | {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "mamba": ("MambaConfig", {"vocab_size": 29, "hidden_size": 16, "num_hidden_layers": 1, "state_size": 4}),
}  # fmt: skip


def decoder(family: str, seed: int = 0) -> Any:
    """A causal language model with weights away from zero and one."""
    name, settings = FAMILIES[family]
    torch.manual_seed(seed)
    return away(transformers.AutoModelForCausalLM.from_config(getattr(transformers, name)(**settings)))


def away(model: Any) -> Any:
    """The model in evaluation mode, its weights moved away from zero and one."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


SMALL: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 24}


def bert() -> Made:
    """Masked language modelling: the mean over the masked places of a sequence, with padding."""
    config = transformers.BertConfig(vocab_size=29, max_position_embeddings=16, **SMALL)
    tokens = torch.randint(3, 29, (4, 9))
    chosen = torch.rand(4, 9) < 0.3
    chosen[:, 1] = True
    data = {"tokens": tokens.where(~chosen, 1), "labels": tokens.where(chosen, -100), "attended": torch.ones(4, 9)}
    data["attended"][2, 6:] = 0

    def loss(model: Any, batch: Any) -> torch.Tensor:
        logits = model(input_ids=batch["tokens"], attention_mask=batch["attended"]).logits
        return over_labels(logits, batch["labels"])

    return transformers.BertForMaskedLM(config), loss, data


def over_labels(logits: Any, labels: Any) -> Any:
    """The mean cross-entropy of each sequence where labels are not -100."""
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none", ignore_index=-100)
    return losses.sum(1) / (labels != -100).sum(1)


def t5() -> Made:
    """An encoder and a decoder with relative positions."""
    config = transformers.T5Config(
        vocab_size=29, d_model=16, d_kv=4, d_ff=24, num_layers=1, num_heads=4, decoder_start_token_id=0, pad_token_id=0,  # pyright: ignore[reportCallIssue]
    )  # fmt: skip

    def loss(model: Any, batch: Any) -> Any:
        inputs = torch.nn.functional.pad(batch["labels"][:, :-1], (1, 0))
        outputs = model(input_ids=batch["tokens"], decoder_input_ids=inputs, use_cache=False)
        return over_labels(outputs.logits, batch["labels"])

    data = {"tokens": torch.randint(1, 29, (4, 9)), "labels": torch.randint(1, 29, (4, 7))}
    return transformers.T5ForConditionalGeneration(config), loss, data


def classes(model: Any, batch: Any) -> Any:
    return torch.nn.functional.cross_entropy(model(batch["x"]).logits, batch["y"], reduction="none")


def images(size: int) -> dict[str, Any]:
    return {"x": torch.randn(4, 3, size, size), "y": torch.randint(0, 5, (4,))}


def vit() -> Made:
    config = transformers.ViTConfig(image_size=16, patch_size=8, num_labels=5, **SMALL)  # pyright: ignore[reportCallIssue]
    return transformers.ViTForImageClassification(config), classes, images(16)


def swin() -> Made:
    """Windows that shift, which are rolled and masked."""
    config = transformers.SwinConfig(
        image_size=16,
        patch_size=2,
        embed_dim=8,
        depths=[2, 1],
        num_heads=[2, 2],
        window_size=2,
        num_labels=5,  # pyright: ignore[reportCallIssue]
    )
    return transformers.SwinForImageClassification(config), classes, images(16)


def resnet() -> Made:
    config = transformers.ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16],
        depths=[1, 1],
        layer_type="basic",
        num_labels=5,  # pyright: ignore[reportCallIssue]
    )
    return transformers.ResNetForImageClassification(config), classes, images(16)


def whisper() -> Made:
    """Convolutions over a spectrogram, an encoder, and a decoder that attends to it."""
    config = transformers.WhisperConfig(
        vocab_size=29, num_mel_bins=6, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=24, decoder_ffn_dim=24, max_source_positions=8,
        max_target_positions=16, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip

    def loss(model: Any, batch: Any) -> Any:
        inputs = torch.nn.functional.pad(batch["labels"][:, :-1], (1, 0), value=1)
        outputs = model(input_features=batch["sounds"], decoder_input_ids=inputs, use_cache=False)
        return over_labels(outputs.logits, batch["labels"])

    data = {"sounds": torch.randn(4, 6, 16), "labels": torch.randint(3, 29, (4, 7))}
    return transformers.WhisperForConditionalGeneration(config), loss, data


MODELS = {made.__name__: made for made in (bert, t5, vit, swin, resnet, whisper)}
