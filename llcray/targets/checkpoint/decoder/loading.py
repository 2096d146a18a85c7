"""Reads the tensors of a Hugging Face folder that a decoder computes with."""

from pathlib import Path

import numpy as np

from llcray.targets.checkpoint.decoder.config import DecoderConfig
from llcray.targets.checkpoint.decoder.names import prefix_in, weights_of
from llcray.targets.checkpoint.tensors import open_checkpoint


def read_params(folder: Path, config: DecoderConfig) -> tuple[dict[str, np.ndarray], str]:
    """Tensors in float32 by name, and the prefix of the base model's names.

    Buffers that older checkpoints hold (causal masks, rotary frequencies) are left out, and so is a second copy of tied
    weights: they are one parameter.

    Raises:
        ValueError: A weight is missing.
    """
    stored = open_checkpoint(folder)
    prefix = prefix_in(config, stored.files)
    weights = list(weights_of(config, prefix))
    missing = [name for name in weights if name not in stored.files]
    if missing:
        raise ValueError(
            f"{folder} lacks {len(missing)} weights that its config.json asks for, such as {missing[0]}. Is the "
            "checkpoint whole, and of a causal language model?"
        )
    biases = [name.removesuffix("weight") + "bias" for name in weights]
    wanted = [*weights, *(name for name in biases if name in stored.files)]
    return {name: np.asarray(stored.read(name), np.float32) for name in sorted(wanted)}, prefix
