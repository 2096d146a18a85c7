"""The worked example of a PyTorch module is right, and goes through `kind: python`."""

from pathlib import Path

import numpy as np

from llcray.components.masks import mask_of
from llcray.targets import PythonTarget
from llcray.targets.build import build_target
from llcray.targets.target import Target

ROOT = Path(__file__).parents[2]
FIXTURE = Path(__file__).parent / "checkpoint" / "fixtures" / "torch_module"


def test_the_example_computes_what_pytorch_computes(monkeypatch) -> None:
    """Logits that `make_fixtures.py` had PyTorch write; the loss is the cross entropy of these."""
    monkeypatch.syspath_prepend(ROOT)
    arguments = {"weights": str(FIXTURE / "classifier.safetensors"), "data": str(FIXTURE / "probe.npz")}
    target = build_target(PythonTarget(factory="examples.torch_module:classifier", arguments=arguments))
    assert isinstance(target, Target)
    with np.load(FIXTURE / "probe.npz") as probe:
        logits, y = probe["logits"], probe["y"]
    shifted = logits - logits.max(-1, keepdims=True)
    nll = np.log(np.exp(shifted).sum(-1)) - shifted[np.arange(16), y]
    np.testing.assert_allclose(target.loss_fn(target.params, target.data), nll, rtol=2e-5)
    mask = mask_of("unembed", target.params)
    assert {name for name, chosen in mask.items() if chosen is True} == {"head.weight", "head.bias"}
