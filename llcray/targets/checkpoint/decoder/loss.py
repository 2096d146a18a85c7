"""Next-token losses of a decoder; equal by value, so compiled programs are shared between checkpoints.

    l(tokens) = -sum_t log p(tokens_{t+1} | tokens_{..t})

or its mean over t.
"""

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp

from llcray.array_types import PyTree
from llcray.targets.checkpoint.decoder.config import DecoderConfig
from llcray.targets.checkpoint.decoder.decoder import logits

Reduction = Literal["mean", "sum"]
PADDING = -1


@dataclass(frozen=True)
class NextTokenLoss:
    """`loss(params, batch) -> (batch,)`: nats of a sequence; a batch is `{"tokens": (batch, position)}`.

    A token of -1 is padding: it is neither predicted nor seen by tokens before it.

    Attributes:
        config: The decoder.
        prefix: Prefix of the base model's names.
        reduction: `sum` is the sequence's negative log-likelihood; `mean` divides it by the number of predictions.
        compute_dtype: Type of the forward pass, such as `bfloat16`; None computes in the parameters'.
        remat: Whether blocks are computed again in the backward pass instead of kept.
    """

    config: DecoderConfig
    prefix: str
    reduction: Reduction = "mean"
    compute_dtype: str | None = None
    remat: bool = False

    def __call__(self, params: PyTree, batch: PyTree) -> jax.Array:
        """Losses of the sequences of a batch."""
        tokens = jnp.asarray(batch["tokens"])
        scores = self.logits(params, jnp.maximum(tokens[:, :-1], 0))
        targets = tokens[:, 1:]
        log_probabilities = jax.nn.log_softmax(scores.astype(jnp.promote_types(scores.dtype, jnp.float32)), axis=-1)
        chosen = jnp.take_along_axis(log_probabilities, jnp.maximum(targets, 0)[..., None], axis=-1)[..., 0]
        counted = targets != PADDING
        total = -jnp.sum(jnp.where(counted, chosen, 0), axis=1)
        return total / jnp.maximum(jnp.sum(counted, axis=1), 1) if self.reduction == "mean" else total

    def logits(self, params: PyTree, tokens: Any) -> jax.Array:
        """Logits (batch, position, vocabulary)."""
        if self.compute_dtype is not None:
            params = jax.tree.map(lambda leaf: leaf.astype(self.compute_dtype), params)
        return logits(self.config, params, tokens, self.prefix, remat=self.remat)
