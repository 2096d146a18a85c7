"""Reads a checkpoint and its tokens into a target."""

from pathlib import Path
from typing import Literal

from llcray.data.tokens import Tokens
from llcray.targets.checkpoint.architecture import TracedConfig, read_architecture
from llcray.targets.checkpoint.decoder.loading import read_params
from llcray.targets.checkpoint.decoder.loss import NextTokenLoss
from llcray.targets.checkpoint.tokens import fitting_tokens
from llcray.targets.target import Target
from llcray.targets.torch.build import target_of

Reduction = Literal["mean", "sum"]
ComputeType = Literal["float32", "bfloat16"]


def build_checkpoint(
    folder: Path, data: Tokens, reduction: Reduction, compute_dtype: ComputeType, remat: bool
) -> Target:
    """Reads weights, configuration and tokens; the arguments are the fields of `CheckpointTarget`."""
    config = read_architecture(folder)
    if isinstance(config, TracedConfig):
        from llcray.aten.tracing.pretrained import trace_checkpoint

        tokens = fitting_tokens(data, config)
        return target_of(trace_checkpoint(folder, config.base, tokens, reduction == "mean", config.structure))
    params, prefix = read_params(folder, config)
    dtype = None if compute_dtype == "float32" else compute_dtype
    return Target(
        params=params,
        loss_fn=NextTokenLoss(config, prefix, reduction, compute_dtype=dtype, remat=remat),
        data={"tokens": fitting_tokens(data, config)},
        is_likelihood=reduction == "sum",
        structure=config.structure,
    )
