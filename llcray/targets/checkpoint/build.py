"""Reads a checkpoint and its tokens into a target."""

from pathlib import Path
from typing import Literal

import numpy as np

from llcray.data.tokens import Tokens
from llcray.targets.checkpoint.decoder.config import DecoderConfig, read_config
from llcray.targets.checkpoint.decoder.loading import read_params
from llcray.targets.checkpoint.decoder.loss import NextTokenLoss
from llcray.targets.target import Target

Reduction = Literal["mean", "sum"]
ComputeType = Literal["float32", "bfloat16"]


def build_checkpoint(
    folder: Path, data: Tokens, reduction: Reduction, compute_dtype: ComputeType, remat: bool
) -> Target:
    """Reads weights, configuration and tokens; the arguments are the fields of `CheckpointTarget`."""
    config = read_config(folder)
    params, prefix = read_params(folder, config)
    dtype = None if compute_dtype == "float32" else compute_dtype
    return Target(
        params=params,
        loss_fn=NextTokenLoss(config, prefix, reduction, compute_dtype=dtype, remat=remat),
        data={"tokens": fitting_tokens(data, config)},
        is_likelihood=reduction == "sum",
        structure=config.structure,
    )


def fitting_tokens(data: Tokens, config: DecoderConfig) -> np.ndarray:
    """Reads tokens and checks that the decoder can read them.

    Raises:
        ValueError: A token is not in the vocabulary, sequences are too long, or none predicts anything.
    """
    tokens, source = data.load(), str(data.path)
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
