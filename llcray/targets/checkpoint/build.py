"""Reads a checkpoint and its tokens into a target."""

import numpy as np

from llcray.targets.checkpoint.decoder.config import DecoderConfig, read_config
from llcray.targets.checkpoint.decoder.loading import read_params
from llcray.targets.checkpoint.decoder.loss import NextTokenLoss
from llcray.targets.checkpoint.spec import CheckpointTarget, folder_digest
from llcray.targets.target import Target


def build_checkpoint(spec: CheckpointTarget) -> Target:
    """See `CheckpointTarget`."""
    if folder_digest(spec.path) != spec.sha256:
        raise ValueError(f"{spec.path} changed after the sweep was planned. Plan the sweep again.")
    config = read_config(spec.path)
    params, prefix = read_params(spec.path, config)
    loss = NextTokenLoss(
        config,
        prefix,
        spec.reduction,
        compute_dtype=None if spec.compute_dtype == "float32" else spec.compute_dtype,
        remat=spec.remat,
    )
    return Target(
        params=params,
        loss_fn=loss,
        data={"tokens": fitting_tokens(spec.data.load(), config, str(spec.data.path))},
        is_likelihood=spec.reduction == "sum",
        structure=config.structure,
    )


def fitting_tokens(tokens: np.ndarray, config: DecoderConfig, source: str) -> np.ndarray:
    """The tokens, if the decoder can read them.

    Raises:
        ValueError: A token is not in the vocabulary, sequences are too long, or none predicts anything.
    """
    if tokens.shape[0] < 1 or tokens.shape[1] < 2:
        raise ValueError(f"{source} has tokens of shape {tokens.shape}; a loss needs sequences of at least 2 tokens")
    if tokens.max() >= config.vocabulary:
        raise ValueError(
            f"{source} holds token {tokens.max()}, the model's vocabulary has {config.vocabulary}. Use the model's "
            "own tokenizer."
        )
    if config.rope is None and tokens.shape[1] > config.max_length:
        raise ValueError(f"{source} has {tokens.shape[1]} positions, the model {config.max_length}. Set data.length.")
    if empty := int(np.sum((tokens >= 0).sum(axis=1) < 2)):
        raise ValueError(f"{source} holds {empty} sequences of fewer than 2 tokens. Leave them out.")
    return tokens
