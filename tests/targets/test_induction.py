"""The prefix-matching score: exact for heads whose attention is known."""

import numpy as np
import pytest

from llcray.architectures import Transformer
from llcray.targets.model_loss import ModelLoss, initial_params
from llcray.targets.trained.induction import induction_facts

LENGTH, VOCABULARY, PERIOD = 16, 20, 8


def network(num_layers: int) -> tuple[ModelLoss, dict]:
    spec = Transformer(
        num_layers=num_layers, num_heads=2, width=32, mlp_width=0, positions="shortformer", readout="all", bias=False
    )
    loss = ModelLoss(spec.forward((LENGTH,), VOCABULARY), "categorical", (LENGTH,), VOCABULARY)
    params = initial_params(spec, (LENGTH,), VOCABULARY, 0)
    for layer in range(num_layers):
        for name in ("query", "key"):
            kernel = params[f"block_{layer}"]["attention"][name]["kernel"]
            params[f"block_{layer}"]["attention"][name]["kernel"] = np.zeros_like(kernel)
    return loss, params


def test_a_head_that_attends_to_everything_alike_has_the_mean_of_one_over_the_position():
    """Catches an average over the wrong positions; half of them is that of a mean over the whole sequence."""
    loss, params = network(1)
    expected = np.mean([1 / (query + 1) for query in range(PERIOD, LENGTH)])
    assert induction_facts(loss, params)["prefix_matching"] == pytest.approx(expected, rel=1e-5)


def test_a_head_that_looks_at_what_followed_the_token_before_scores_one_and_is_named():
    """Catches an offset by one: a head that looks at the earlier token itself scores zero here."""
    loss, params = network(2)
    params["embedding"]["embedding"] = np.zeros_like(params["embedding"]["embedding"])
    params["position_embedding"]["embedding"] = np.eye(LENGTH, 32, dtype=np.float32)
    attention = params["block_1"]["attention"]
    for query in range(LENGTH):
        attention["query"]["kernel"][query, 1, max(query - PERIOD + 1, 0)] = 200.0
        attention["key"]["kernel"][query, 1, query] = 1.0
    facts = induction_facts(loss, params)
    assert facts["induction_head"] == "l1h1"
    assert facts["prefix_matching"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("changes", [{"causal": False}, {"inputs": "vectors"}])
def test_networks_without_such_heads_have_no_score(changes: dict):
    loss, params = network(1)
    other = ModelLoss(loss.network.model_copy(update=changes), "categorical", (LENGTH,), VOCABULARY)
    assert induction_facts(other, params) == {}
