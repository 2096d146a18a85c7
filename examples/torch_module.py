"""A PyTorch user's own module as a target: its weights by safetensors, its forward pass in JAX.

The module, in PyTorch:

    class Classifier(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv1d(3, 8, 5, padding=2)
            self.norm = torch.nn.LayerNorm(8)
            self.head = torch.nn.Linear(8, 4)

        def forward(self, x):                                   # (batch, 3, length)
            h = torch.nn.functional.gelu(self.conv(x)).mean(-1)
            return self.head(self.norm(h))

    safetensors.torch.save_file(model.state_dict(), "classifier.safetensors")
    np.savez("probe.npz", x=x.numpy(), y=y.numpy(), logits=model.eval()(x).detach().numpy())

The sweep:

    targets:
      - kind: python
        factory: examples.torch_module:classifier
        arguments: {weights: classifier.safetensors, data: probe.npz}
    components: [all, conv, unembed]

Check once that both compute the same (`probe.npz` has PyTorch's logits): LLCs do not reveal a wrong axis.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file

from llcray import Target


def forward(params: dict[str, Any], x: Any) -> Any:
    """Logits (batch, class); the names are those of the state_dict, the layouts PyTorch's."""
    # Conv1d: x (batch, channels, length), weight (outputs, channels, width).
    h = jax.lax.conv_general_dilated(
        x, params["conv.weight"], window_strides=(1,), padding=[(2, 2)], dimension_numbers=("NCH", "OIH", "NCH")
    )
    h = jax.nn.gelu(h + params["conv.bias"][:, None], approximate=False).mean(-1)
    h = (h - h.mean(-1, keepdims=True)) * jax.lax.rsqrt(h.var(-1, keepdims=True) + 1e-5)
    h = h * params["norm.weight"] + params["norm.bias"]
    return h @ params["head.weight"].T + params["head.bias"]


def nll(params: dict[str, Any], batch: dict[str, Any]) -> Any:
    """Negative log-likelihood of each example, nats: what `cross_entropy(..., reduction="none")` returns."""
    x = jnp.asarray(batch["x"], params["conv.weight"].dtype)
    log_probabilities = jax.nn.log_softmax(forward(params, x))
    return -jnp.take_along_axis(log_probabilities, batch["y"][:, None], axis=1)[:, 0]


def classifier(weights: str, data: str) -> Target:
    """The target: w*, the loss and the data."""
    with np.load(data) as probe:
        examples = {"x": probe["x"], "y": probe["y"]}
    return Target(params=load_file(weights), loss_fn=nll, data=examples)
