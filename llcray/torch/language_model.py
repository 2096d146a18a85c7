"""A language model of Hugging Face or TransformerLens, and tokens, as a target."""

import inspect
from typing import TYPE_CHECKING, Any, Literal

from llcray.aten.installation import check_that_torch_is_installed
from llcray.components.counts import structure_in
from llcray.components.structure import Structure
from llcray.targets.target import Target
from llcray.torch.target import target

if TYPE_CHECKING:
    import torch


def language_model(
    model: "torch.nn.Module",
    tokens: Any,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    structure: Structure | None = None,
) -> Target:
    """The target whose loss is that of the next token, of a model that maps token ids to logits.

    Args:
        model: In evaluation mode: of Hugging Face (a causal language model), of TransformerLens, or any module that
            returns logits (batch, length, vocabulary) of token ids (batch, length), alone or as `.logits`.
        tokens: Token ids (n, length): whole sequences, without padding.
        reduction: `mean` over the predictions of a sequence, as most publications have it, or their `sum`, which alone
            is the sequence's negative log-likelihood; rows of `mean` are flagged as not a likelihood.
        structure: Numbers of layers and heads; by default those of the model's configuration.

    Raises:
        TorchLossError: The model cannot be traced, or JAX would compute something else than torch does.
    """
    check_that_torch_is_installed()
    return target(
        model,
        next_token_loss(model, reduction),
        {"tokens": tokens},
        is_likelihood=reduction == "sum",
        structure=structure or structure_of(model),
    )


def next_token_loss(model: "torch.nn.Module", reduction: Literal["mean", "sum"] = "mean") -> Any:
    """The loss `loss(model, batch) -> (n,)` of the next token, nats, on `batch["tokens"]`."""
    import torch

    settings = {"use_cache": False} if "use_cache" in inspect.signature(model.forward).parameters else {}

    def loss(model: torch.nn.Module, batch: Any) -> torch.Tensor:
        tokens = batch["tokens"]
        outputs = model(tokens[:, :-1], **settings)
        logits = getattr(outputs, "logits", outputs)
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none")
        return losses.mean(1) if reduction == "mean" else losses.sum(1)

    return loss


def structure_of(model: "torch.nn.Module") -> Structure | None:
    """The numbers of layers and heads in a model's configuration, where it has one."""
    return structure_in(getattr(model, "config", None) or getattr(model, "cfg", None))
