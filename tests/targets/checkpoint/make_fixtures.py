# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
"""Makes the fixtures beside this file: tiny random checkpoints and their logits, by PyTorch and transformers.

pip install torch transformers
python tests/targets/checkpoint/make_fixtures.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

FIXTURES = Path(__file__).parent / "fixtures"
VOCABULARY, LENGTH, LAYERS, WIDTH, HEADS = 29, 11, 2, 16, 4
COMMON = {"vocab_size": VOCABULARY, "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
LLAMA = COMMON | {"intermediate_size": 24, "num_key_value_heads": 2, "max_position_embeddings": 32}
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8,
}
NEOX = COMMON | {"intermediate_size": 32, "max_position_embeddings": 32}
CONFIGS: dict[str, PreTrainedConfig] = {
    "gpt2": GPT2Config(vocab_size=VOCABULARY, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_positions=32),
    "gpt_neox": GPTNeoXConfig(**NEOX, rope_parameters={"rope_type": "default", "partial_rotary_factor": 0.5}),
    "gpt_neox_sequential": GPTNeoXConfig(**NEOX, use_parallel_residual=False),
    "llama": LlamaConfig(**LLAMA, tie_word_embeddings=False),
    "llama3_rope": LlamaConfig(**LLAMA, rope_parameters=LLAMA3_ROPE, tie_word_embeddings=True),
    "qwen2": Qwen2Config(**LLAMA, tie_word_embeddings=True),
    "qwen3": Qwen3Config(**LLAMA, head_dim=6, tie_word_embeddings=False),
}


def make(name: str, config: PreTrainedConfig) -> None:
    """A checkpoint with weights far from their symmetric initial values, and its logits."""
    torch.manual_seed(len(name))
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            scale = 0.3 if parameter.ndim > 1 else 0.2
            parameter.copy_((parameter if "norm" in key or "ln_" in key else 0) + scale * torch.randn_like(parameter))
    folder = FIXTURES / name
    model.save_pretrained(folder, max_shard_size="8KB" if name == "llama" else "5GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokens = torch.randint(0, VOCABULARY, (3, LENGTH))
    with torch.no_grad():
        logits = model(tokens).logits
        loss = torch.stack([model(row[None], labels=row[None]).loss for row in tokens])
    np.savez(folder / "expected.npz", tokens=tokens.numpy(), logits=logits.numpy(), loss=loss.numpy())


class Classifier(torch.nn.Module):
    """The module of examples/torch_module.py."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv1d(3, 8, 5, padding=2)
        self.norm = torch.nn.LayerNorm(8)
        self.head = torch.nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        h = torch.nn.functional.gelu(self.conv(x)).mean(-1)
        return self.head(self.norm(h))


def make_module() -> None:
    """Weights, data and logits of a module that is no language model."""
    torch.manual_seed(0)
    model, folder = Classifier().eval(), FIXTURES / "torch_module"
    folder.mkdir(exist_ok=True)
    x, y = torch.randn(16, 3, 9), torch.randint(0, 4, (16,))
    save_file(model.state_dict(), folder / "classifier.safetensors")
    np.savez(folder / "probe.npz", x=x.numpy(), y=y.numpy(), logits=model(x).detach().numpy())


if __name__ == "__main__":
    make_module()
    for name, config in CONFIGS.items():
        make(name, config)
    total = sum(file.stat().st_size for file in FIXTURES.rglob("*") if file.is_file())
    print(json.dumps({"bytes": total, "folders": len(CONFIGS)}))
