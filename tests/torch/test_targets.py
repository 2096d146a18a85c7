"""Targets of torch modules: their LLCs are those that theory and targets of our own have; factories, files, names."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llcray_storage import Dataset

import llcray
from llcray.targets.stored import load_or_build
from llcray.targets.torch.spec import TorchTarget

torch = pytest.importorskip("torch")
FACTORY = """
import torch

def probe(width, seed):
    torch.manual_seed(seed)
    layers = torch.nn.Linear(3, width), torch.nn.BatchNorm1d(width), torch.nn.Linear(width, 1)
    module = torch.nn.Sequential(*layers).eval()
    return module, squared, {"x": torch.randn(20, 3), "y": torch.randn(20)}

def squared(module, batch):
    return (module(batch["x"])[:, 0] - batch["y"]) ** 2 / 2
"""


def squared(module: Any, batch: Any) -> Any:
    """Minus the log-likelihood of unit noise, nats, without its constant."""
    return (module(batch["x"])[:, 0] - batch["y"]) ** 2 / 2


def regression() -> llcray.Target:
    """Linear regression of 5 inputs and a bias, at its least-squares solution."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 5, generator=generator)
    y = x @ torch.ones(5) + torch.randn(400, generator=generator)
    module = torch.nn.Linear(5, 1)
    with torch.no_grad():
        solution = torch.linalg.lstsq(torch.cat([x, torch.ones(400, 1)], 1), y[:, None]).solution[:, 0]
        module.weight.copy_(solution[None, :5])
        module.bias.copy_(solution[5:])
    return llcray.torch.target(module.eval(), squared, {"x": x, "y": y})


def test_llc_of_a_regular_torch_module_is_half_its_parameters():
    """lambda = d/2 of a regular model (Watanabe 2009); here d = 6, and the loss is quadratic."""
    e = llcray.estimate_llc(regression())
    assert e.verdict == "ok"
    assert abs(e.llc - 3.0) < 4 * e.llc_se
    assert e.llc_se < 0.1


def test_a_module_and_the_same_loss_in_jax_have_one_posterior():
    """The same seed moves both chains alike: estimates agree to the rounding of float32."""
    target = regression()
    ours = dataclasses.replace(target, loss_fn=linear_in_jax)
    settings: dict[str, Any] = {"num_chains": 2, "sampling": {"budget": {"num_gradients": 300, "num_draws": 100}}}
    sampler = {"kind": "sgld", "step_size": 1e-4, "batch_size": 64}
    one, other = (llcray.estimate_llc(each, sampler, **settings) for each in (target, ours))
    np.testing.assert_allclose(one.draws.centered_loss, other.draws.centered_loss, rtol=1e-3, atol=1e-5)


def linear_in_jax(params: Any, batch: Any) -> Any:
    return ((batch["x"] @ params["weight"].T + params["bias"])[:, 0] - batch["y"]) ** 2 / 2


def test_a_module_that_fits_its_data_exactly_is_compared_beside_w_star():
    """Losses and gradients at w* are rounding alone there: float32 holds probabilities near 1 to 1e-7."""
    module = torch.nn.Linear(2, 2, bias=False).eval()
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[9.0, 0.1], [-9.0, 0.2]]))
    x = torch.tensor([[1.0, 0.3], [-1.0, 0.2], [1.1, -0.5], [-0.9, 0.4]])
    target = llcray.torch.target(
        module, lambda m, b: torch.nn.functional.cross_entropy(m(b["x"]), b["y"], reduction="none"),
        {"x": x, "y": (x[:, 0] < 0).long()},
    )  # fmt: skip
    assert np.asarray(target.loss_fn(target.params, target.data)).max() < 1e-6


def test_a_factory_is_called_once_and_its_target_is_then_read_without_torch(tmp_path: Path, monkeypatch: Any):
    (tmp_path / "torch_probe.py").write_text(FACTORY)
    monkeypatch.syspath_prepend(tmp_path)
    spec = TorchTarget(factory="torch_probe:probe", arguments={"width": 4}, seed=3)
    dataset = Dataset.create_or_open(tmp_path / "results")
    built = load_or_build(spec, dataset)
    monkeypatch.setitem(sys.modules, "torch_probe", None)
    again = load_or_build(spec, dataset)
    assert again.loss_fn == built.loss_fn and again.target_id == built.target_id
    assert set(again.buffers) == {"1.running_mean", "1.running_var"}
    for kind in ("params", "buffers", "data"):
        for name, array in getattr(built, kind).items():
            np.testing.assert_array_equal(getattr(again, kind)[name], array)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "either path"),
        ({"path": "a.llcray", "factory": "a:b"}, "either path"),
        ({"path": "none.llcray"}, "no file"),
    ],
)
def test_a_torch_target_has_either_a_file_or_a_factory(given: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        TorchTarget(**given)


def test_a_language_model_is_one_of_sequences():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Embedding(7, 4), torch.nn.Linear(4, 7)).eval()
    tokens = torch.randint(0, 7, (5, 6))
    mean, total = (llcray.torch.language_model(model, tokens, reduction=reduction) for reduction in ("mean", "sum"))
    losses = [np.asarray(each.loss_fn(each.params, each.data)) for each in (mean, total)]
    log_probabilities = model(tokens[:, :-1]).log_softmax(-1).gather(2, tokens[:, 1:, None])
    np.testing.assert_allclose(losses[1], -log_probabilities.sum((1, 2)).detach().numpy(), rtol=1e-5)
    np.testing.assert_allclose(5 * losses[0], losses[1], rtol=1e-5)
    assert (mean.is_likelihood, total.is_likelihood) == (False, True)


def test_what_is_fixed_is_a_buffer_and_what_is_not_used_is_left_out():
    module = torch.nn.ModuleDict({name: torch.nn.Linear(3, 1) for name in ("moves", "fixed", "unused")}).eval()
    module["fixed"].requires_grad_(False)
    target = llcray.torch.target(
        module, lambda m, b: (m["moves"](b["x"]) * m["fixed"](b["x"])).square()[:, 0], {"x": torch.randn(5, 3)}
    )
    assert set(target.params) == {"moves.weight", "moves.bias"} and set(target.buffers) == {
        "fixed.weight",
        "fixed.bias",
    }


class NormInFloat32(torch.nn.Module):
    """The norm of Llama: computed in float32, and cast back to the type of the module."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.linear = torch.nn.Parameter(torch.rand(3) + 0.5), torch.nn.Linear(3, 1)

    def forward(self, x: Any) -> Any:
        wide = x.float()
        return self.linear(self.weight * (wide * wide.square().mean(-1, keepdim=True).rsqrt()).to(x.dtype))


@pytest.mark.parametrize("make", [lambda: torch.nn.Linear(3, 1), NormInFloat32])
def test_a_module_of_half_precision_is_computed_in_float32(make: Any):
    """Its casts included: losses are those of the same numbers in a float32 module."""
    torch.manual_seed(0)
    module = make().bfloat16().eval()
    x, y = torch.randn(5, 3).bfloat16(), torch.randn(5)
    target = llcray.torch.target(module, squared, {"x": x, "y": y})
    assert {str(array.dtype) for array in (*target.params.values(), *target.data.values())} == {"float32"}
    expected = squared(module.float(), {"x": x.float(), "y": y})
    np.testing.assert_allclose(target.loss_fn(target.params, target.data), expected.detach().numpy(), rtol=1e-5)
