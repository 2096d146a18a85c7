"""Prefix-matching score of attention heads: how much they look at what followed the current token earlier on.

Tokens t_1 ... t_p, all different and drawn at random, are repeated to the length of the model's sequences. The score
of a head is its mean attention from a token of a later turn to the token after that token's previous occurrence.

Reference: Olsson et al. 2022, arXiv 2209.11895, argument 4 (prefix matching).
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llcray.architectures import Transformer
from llcray.array_types import PyTree
from llcray.targets.model_loss import ModelLoss

NUM_SEQUENCES = 64
SHORTEST_PERIOD = 2


def induction_facts(loss: ModelLoss, params: PyTree) -> dict[str, Any]:
    """The largest score and its head, named as components are; nothing for networks that have no such heads."""
    network = loss.network
    if not isinstance(network, Transformer) or network.inputs != "tokens" or not network.causal:
        return {}
    period = min(loss.input_shape[0] // 2, network.vocabulary or loss.num_outputs)
    if period < SHORTEST_PERIOD:
        return {}
    scores = prefix_matching(loss, params, period)
    layer, head = np.unravel_index(scores.argmax(), scores.shape)
    return {"prefix_matching": float(scores.max()), "induction_head": f"l{layer}h{head}"}


def prefix_matching(loss: ModelLoss, params: PyTree, period: int) -> np.ndarray:
    """Scores (layer, head) of a causal transformer on tokens; see the module.

    Args:
        loss: The loss of the network.
        params: Its parameters.
        period: p, at most the vocabulary and half of a sequence.
    """
    assert isinstance(loss.network, Transformer)
    rng = np.random.default_rng(0)
    vocabulary = loss.network.vocabulary or loss.num_outputs
    turns = np.argsort(rng.uniform(size=(NUM_SEQUENCES, vocabulary)), axis=1)[:, :period]
    tokens = turns[:, np.arange(loss.input_shape[0]) % period].astype(np.int32)
    return np.asarray(_scores(loss, period, params, tokens))


@partial(jax.jit, static_argnums=(0, 1))
def _scores(loss: ModelLoss, period: int, params: PyTree, tokens: Any) -> jax.Array:
    patterns = loss.module(params).patterns(tokens)
    queries = jnp.arange(period, tokens.shape[1])
    return patterns[..., queries, queries - period + 1].mean((1, 3))
