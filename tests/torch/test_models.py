"""Networks of many kinds, traced: losses, gradients, other batches and other parameters agree with torch."""

import runpy
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import llcray

torch = pytest.importorskip("torch")
MODELS: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("models.py")))["MODELS"]
CHAINS = 2


@pytest.mark.parametrize("name", MODELS)
def test_a_network_computes_in_jax_what_it_computes_in_torch(name: str):
    """Beyond the checks at w*: chains of other parameters, each on a minibatch of its own, and one example alone."""
    torch.manual_seed(0)
    module, loss, data = MODELS[name]()
    module.eval()
    target = llcray.torch.target(module, loss, data)
    assert set(target.params) <= set(dict(module.named_parameters()))

    rng = np.random.default_rng(0)
    chains = {k: np.stack([v + 0.02 * rng.normal(size=v.shape) for _ in range(CHAINS)]).astype(v.dtype)
              for k, v in target.params.items()}  # fmt: skip
    batches = {k: np.stack([v[1:3], v[2:4]]) for k, v in target.data.items()}

    def mean(params: Any, batch: Any) -> tuple[Any, Any]:
        buffers = () if target.buffers is None else (target.buffers,)
        losses = target.loss_fn(params, batch, *buffers)
        return losses.mean(), losses

    program = jax.jit(jax.vmap(jax.grad(mean, has_aux=True)))
    options: Any = {"xla_backend_optimization_level": 0}
    gradients, losses = program.lower(chains, batches).compile(compiler_options=options)(chains, batches)
    for chain in range(CHAINS):
        with torch.no_grad():
            for k, parameter in module.named_parameters():
                if k in chains:
                    parameter.copy_(torch.tensor(chains[k][chain]))
        module.zero_grad()
        theirs = loss(module, {k: torch.tensor(v[chain]) for k, v in batches.items()})
        theirs.mean().backward()
        np.testing.assert_allclose(losses[chain], theirs.detach().numpy(), rtol=2e-5, atol=1e-6)
        expected = {k: p.grad.numpy() for k, p in module.named_parameters() if k in chains}
        largest = max(float(np.abs(g).max()) for g in expected.values())
        for k, gradient in expected.items():
            np.testing.assert_allclose(gradients[k][chain], gradient, rtol=0, atol=2e-4 * largest, err_msg=k)
