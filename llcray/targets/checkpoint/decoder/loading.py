"""Reads the tensors of a Hugging Face folder that a decoder computes with."""

from pathlib import Path

import numpy as np

from llcray.targets.checkpoint.decoder.config import DecoderConfig
from llcray.targets.checkpoint.decoder.names import prefix_in, unwrapped, weights_of
from llcray.targets.checkpoint.tensors import Checkpoint, open_checkpoint

FLOATING = ("F16", "BF16", "F32", "F64")
"""The types of weights that are not quantised, as safetensors calls them."""


def read_params(folder: Path, config: DecoderConfig) -> tuple[dict[str, np.ndarray], str]:
    """Tensors in float32 by name, and the prefix of the base model's names.

    Buffers that older checkpoints hold (causal masks, rotary frequencies) are left out, and so is a second copy of tied
    weights: they are one parameter.

    Raises:
        ValueError: A weight is missing, or is not stored as floating-point numbers.
    """
    stored, names, prefix = _open(folder, config)
    return {name: np.asarray(stored.read(own), np.float32) for name, own in sorted(names.items())}, prefix


def check_weights(folder: Path, config: DecoderConfig) -> None:
    """Checks the names and types of a folder's tensors, without reading the tensors.

    Raises:
        ValueError: A weight is missing, or is not stored as floating-point numbers.
    """
    _open(folder, config)


def _open(folder: Path, config: DecoderConfig) -> tuple[Checkpoint, dict[str, str], str]:
    """The checkpoint, the stored name of each tensor that the decoder wants, and the base model's prefix."""
    stored = open_checkpoint(folder)
    names = {unwrapped(name): name for name in stored.files}
    if adapters := [name for name in stored.names if ".lora_" in name or ".base_layer." in name]:
        raise ValueError(
            f"{folder} holds an adapter beside its weights, such as {adapters[0]}: load it with PEFT, call "
            "merge_and_unload() and save the result with save_pretrained."
        )
    prefix = prefix_in(config, names)
    weights = list(weights_of(config, prefix))
    missing = [name for name in weights if name not in names]
    if missing:
        raise ValueError(
            f"{folder} lacks {len(missing)} weights that its config.json asks for, such as {missing[0]}. Is the "
            "checkpoint whole, and of a causal language model?"
        )
    biases = [name.removesuffix("weight") + "bias" for name in weights]
    wanted = {name: names[name] for name in (*weights, *biases) if name in names}
    for name in wanted.values():
        if (kind := stored.storage_type(name)) not in FLOATING:
            raise ValueError(
                f"{folder} stores {name} as {kind}: its weights are quantised. Give the folder of the model before it "
                "was quantised, or call dequantize() and save_pretrained."
            )
    return stored, wanted, prefix
