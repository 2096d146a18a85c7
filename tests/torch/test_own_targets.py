"""A torch copy of a target of our own has its losses and its LLC; a block of a trained ResNet has one alone."""

import dataclasses
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

import llcray
from llcray.targets import TargetSpec
from llcray.targets.build import build_target

torch = pytest.importorskip("torch")
MODELS: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("models.py")))
OWN = {
    "kind": "trained", "architecture": {"kind": "mlp", "widths": [3], "activation": "tanh"},
    "data": {"kind": "digits", "classes": [0, 1, 2]}, "noise": {"kind": "label_flip", "rate": 0.1},
    "training": {"kind": "adam", "learning_rate": 0.01, "num_steps": 100},
}  # fmt: skip
SHORT: dict[str, Any] = {"num_chains": 2, "sampling": {"budget": {"num_gradients": 400, "num_draws": 200}}}


class Perceptron(torch.nn.Module):
    """llcray's perceptron: layers and arrays by their names, kernels (inputs, outputs)."""

    def __init__(self, layers: dict[str, dict[str, np.ndarray]]) -> None:
        super().__init__()
        for name, arrays in layers.items():
            self.add_module(
                name, torch.nn.ParameterDict({key: torch.nn.Parameter(torch.tensor(a)) for key, a in arrays.items()})
            )

    def forward(self, x: Any) -> Any:
        hidden: Any = self.get_submodule("hidden_0")
        output: Any = self.get_submodule("output")
        x = torch.tanh(x.flatten(1) @ hidden["kernel"] + hidden["bias"])
        return x @ output["kernel"] + output["bias"]


def test_a_torch_copy_of_our_own_target_has_its_losses_and_its_llc():
    """The same seed moves both alike, as parameters stand in one order: what differs is rounding alone."""
    built = build_target(TypeAdapter(TargetSpec).validate_python(OWN))
    weights = {layer: {k: a.astype(np.float32) for k, a in arrays.items()} for layer, arrays in built.params.items()}
    ours = dataclasses.replace(built, params=weights)
    data = {"x": built.data["x"].astype(np.float32), "y": built.data["y"].astype(np.int64)}
    theirs = llcray.torch.target(Perceptron(weights).eval(), MODELS["classes"], data)

    losses = [np.asarray(target.loss_fn(target.params, target.data)) for target in (ours, theirs)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5, atol=1e-6)
    sampler = {"kind": "sgld", "step_size": 3e-5, "batch_size": 64}
    one, other = (llcray.estimate_llc(target, sampler, **SHORT) for target in (ours, theirs))
    np.testing.assert_allclose(other.draws.centered_loss, one.draws.centered_loss, rtol=1e-3, atol=1e-5)
    assert abs(other.llc - one.llc) < 0.01 * one.llc_mcse
    assert other.verdict == one.verdict


def test_a_block_of_a_resnet_has_an_llc_of_its_own():
    """Trained with batch statistics, sampled with running ones: the block's weights alone move."""
    torch.manual_seed(0)
    module, loss, data = MODELS["resnet"]()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(10):
        optimizer.zero_grad()
        loss(module.train(), data).mean().backward()
        optimizer.step()
    target = llcray.torch.target(module.eval(), loss, data)
    assert {"1.running_mean", "4.bn2.running_var"} <= set(target.buffers)
    e = llcray.estimate_llc(target, {"kind": "sgld", "step_size": 1e-4, "batch_size": 4}, component="4.*", **SHORT)
    assert e.record["num_sampled_params"] == sum(parameter.numel() for parameter in module[4].parameters())
    assert np.isfinite(e.draws.centered_loss).all()
