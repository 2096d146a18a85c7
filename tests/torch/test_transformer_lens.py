"""Models of TransformerLens, and modules that are called as these are: heads of their layers have LLCs."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import llcray

torch = pytest.importorskip("torch")
LENGTH, TOKENS = 6, 11


class Hook(torch.nn.Module):
    """A place where TransformerLens reads and writes activations."""

    def forward(self, x: Any) -> Any:
        return x


class Hooked(torch.nn.Module):
    """One layer of attention only, called and named as `HookedTransformer` is.

    Weights of a head stand along their first axis, `cfg` holds the counts, a mask and a constant are buffers, and the
    forward pass moves tokens to the device of the embedding.
    """

    def __init__(self, num_heads: int = 2, width: int = 8) -> None:
        super().__init__()
        self.cfg = SimpleNamespace(n_layers=1, n_heads=num_heads, n_ctx=LENGTH)
        size = width // num_heads
        self.embed = torch.nn.ParameterDict({"W_E": torch.nn.Parameter(torch.randn(TOKENS, width))})
        attn = {f"W_{part}": torch.nn.Parameter(0.5 * torch.randn(num_heads, width, size)) for part in "QKV"}
        attn["W_O"] = torch.nn.Parameter(0.5 * torch.randn(num_heads, size, width))
        block = torch.nn.ModuleDict({"attn": torch.nn.ParameterDict(attn), "hook_resid_post": Hook()})
        self.blocks = torch.nn.ModuleList([block])
        self.unembed = torch.nn.ParameterDict({"W_U": torch.nn.Parameter(torch.randn(width, TOKENS))})
        self.register_buffer("mask", torch.tril(torch.ones(LENGTH, LENGTH)).bool())
        self.register_buffer("IGNORE", torch.tensor(-torch.inf))

    def forward(self, tokens: Any, return_type: str = "logits") -> Any:
        assert return_type == "logits"
        x = self.embed["W_E"][tokens.to(self.embed["W_E"].device)]
        for block in self.blocks:
            parts: Any = block
            q, k, v = (torch.einsum("btd,hds->bhts", x, parts["attn"][f"W_{part}"]) for part in "QKV")
            scores = q @ k.mT / q.shape[-1] ** 0.5
            length = tokens.shape[1]
            scores = torch.where(self.get_buffer("mask")[:length, :length], scores, self.get_buffer("IGNORE"))
            x = x + torch.einsum("bhts,hsd->btd", scores.softmax(-1) @ v, parts["attn"]["W_O"])
            x = parts["hook_resid_post"](x)
        return x @ self.unembed["W_U"]


def hooked_transformer() -> Any:
    lens = pytest.importorskip("transformer_lens")
    if not hasattr(lens, "HookedTransformer"):
        pytest.skip("TransformerLens 4 has no HookedTransformer")
    config = lens.HookedTransformerConfig(
        n_layers=1, d_model=8, n_ctx=LENGTH, d_head=4, n_heads=2, d_vocab=TOKENS, attn_only=True, seed=0, device="cpu",
        normalization_type=None,
    )  # fmt: skip
    return lens.HookedTransformer(config)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("make", [Hooked, hooked_transformer])
def test_a_head_of_a_hooked_transformer_has_an_llc(make: Any):
    """Losses are torch's; one head alone moves, and its draws have finite losses."""
    torch.manual_seed(0)
    model = make().eval()
    tokens = torch.randint(0, TOKENS, (24, LENGTH))
    target = llcray.torch.language_model(model, tokens)
    assert target.structure is not None and (target.structure.num_layers, target.structure.num_heads) == (1, 2)
    with torch.no_grad():
        logits = model(tokens[:, :-1])
    expected = torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none").mean(1)
    buffers = () if target.buffers is None else (target.buffers,)
    losses = target.loss_fn(target.params, target.data, *buffers)
    np.testing.assert_allclose(losses, expected.numpy(), rtol=1e-5)
    e = llcray.estimate_llc(
        target, {"kind": "sgld", "step_size": 1e-4, "batch_size": 24}, component="l0h1", num_chains=2,
        sampling={"budget": {"num_gradients": 40, "num_draws": 20}},
    )  # fmt: skip
    heads = sum(array.size for name, array in target.params.items() if ".attn.W_" in name) // 2
    assert e.record["num_sampled_params"] == heads
    assert np.isfinite(e.draws.centered_loss).all()
