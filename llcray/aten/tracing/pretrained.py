"""Checkpoints of Hugging Face as traced losses of the next token; those of one training are traced once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from llcray.array_types import Arrays
from llcray.aten.traced import Traced
from llcray.aten.tracing.again import trace_again
from llcray.aten.tracing.module import trace_module
from llcray.components.structure import Structure

MOST_KNOWN = 8
"""Number of architectures whose graphs a process keeps."""
_known: dict[str, Traced] = {}


def trace_checkpoint(
    folder: Path, base: Path | None, tokens: np.ndarray, is_mean: bool, structure: Structure
) -> Traced:
    """The traced loss of a causal language model on disk, its parameters in float32.

        l(tokens) = -sum_t log p(tokens_{t+1} | tokens_{..t})

    or its mean over t. A token of -1 is padding, which is not predicted.

    Args:
        folder: Folder of the model, or of an adapter of PEFT.
        base: Folder of the model that the adapter belongs to; the two are merged. None for a whole model.
        tokens: Token ids (n, length), padded with -1 at the end.
        is_mean: Whether the loss is the mean over the predictions of a sequence.
        structure: Numbers of layers and heads.

    Raises:
        TorchLossError: The model cannot be traced, or JAX would compute something else than torch does.
    """
    model, data = _loaded(folder, base), {"tokens": tokens}
    loss = _mean_loss if is_mean else _sum_loss
    key = f"{model.config.to_json_string()} {is_mean} {tokens.shape[1]}"
    if key in _known:
        return trace_again(_known[key], model, loss, data)
    traced = trace_module(model, loss, data, is_likelihood=not is_mean, structure=structure)
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known[key] = replace(traced, params=_forms(traced.params), data=_forms(traced.data))
    return traced


def _loaded(folder: Path, base: Path | None) -> Any:
    """The model in evaluation mode. No code of the folder runs, and no pickle is read."""
    model = transformers.AutoModelForCausalLM.from_pretrained(
        base or folder, dtype=torch.float32, use_safetensors=True, local_files_only=True, trust_remote_code=False
    )
    if base is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
        model.requires_grad_(True)
    model.config.use_cache = False
    return model.eval()


def _losses(model: Any, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Losses of the predictions, zero at padding, and which predictions count."""
    tokens = batch["tokens"].long()
    targets = tokens[:, 1:]
    logits = model(tokens[:, :-1].clamp(min=0)).logits
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets.clamp(min=0), reduction="none")
    return torch.where(targets >= 0, losses, 0.0), targets >= 0


def _sum_loss(model: Any, batch: Any) -> torch.Tensor:
    losses, _ = _losses(model, batch)
    return losses.sum(1)


def _mean_loss(model: Any, batch: Any) -> torch.Tensor:
    losses, counted = _losses(model, batch)
    return losses.sum(1) / counted.sum(1)


def _forms(arrays: Arrays) -> Arrays:
    """Arrays of the same shapes and types that take no memory."""
    return {name: np.broadcast_to(np.zeros((), array.dtype), array.shape) for name, array in arrays.items()}
