"""The tokens of a checkpoint, which its decoder must be able to read. Loads no JAX."""

import numpy as np

from llcray.data.tokens import Tokens
from llcray.targets.checkpoint.architecture import TracedConfig
from llcray.targets.checkpoint.decoder.config import DecoderConfig


def fitting_tokens(data: Tokens, config: DecoderConfig | TracedConfig) -> np.ndarray:
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
    if config.longest is not None and tokens.shape[1] > config.longest:
        raise ValueError(f"{source} has {tokens.shape[1]} positions, the model {config.longest}. Set data.length.")
    if empty := int(np.sum((tokens >= 0).sum(axis=1) < 2)):
        raise ValueError(f"{source} holds {empty} sequences of fewer than 2 tokens. Leave them out.")
    return tokens
