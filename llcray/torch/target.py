"""A PyTorch module, a loss and data as a target."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from llcray.aten.installation import check_that_torch_is_installed
from llcray.components.structure import Structure
from llcray.posterior.density import make_posterior
from llcray.posterior.loss_checks import NUM_TOGETHER, check_single_examples
from llcray.targets.target import Target
from llcray.targets.torch.build import target_of, traced_of

if TYPE_CHECKING:
    import torch

    from llcray.aten.tracing.checks import Gradients
    from llcray.aten.tracing.trace import Loss


def target(
    module: "torch.nn.Module",
    loss: "Loss",
    data: Any,
    *,
    gradients: "Gradients" = "torch",
    is_likelihood: bool = True,
    structure: Structure | None = None,
    like: Target | None = None,
) -> Target:
    """The target whose loss is that of a PyTorch module, traced by `torch.export` and computed in JAX.

    Before the target is returned, its losses and their gradient are compared with torch's on a few examples, at the
    module's parameters and beside them.

    Args:
        module: In evaluation mode; it is copied. Parameters that require a gradient are w*, by the names of
            `named_parameters()`; others, and buffers, never move. Parameters that the loss does not use are left out.
        loss: `loss(module, batch) -> (n,)` in torch: the negative log-likelihood of each example alone, nats.
        data: Tensors or arrays by name, with the n examples first: `{"x": x, "y": y}`. A batch is a part of these.
        gradients: With `torch`, the loss is refused where torch's gradient is not the derivative of the losses
            (`detach`, `no_grad`, a backward of one's own); with `losses`, chains follow the derivative of the losses,
            as if nothing were detached.
        is_likelihood: Whether the loss is a negative log-likelihood; rows of other losses are flagged.
        structure: Numbers of layers and heads, for components such as `l0h1`.
        like: A target of the same network and loss with other weights, such as an earlier checkpoint. Its graph is
            taken again, instead of a new trace, if it gives torch's losses with this module's weights.

    Raises:
        TorchLossError: The loss cannot be traced, or JAX would compute something else than torch does.
        ValueError: The loss of an example depends on the other examples of its batch.
    """
    check_that_torch_is_installed()
    from llcray.aten.tracing.module import trace_module

    if like is not None:
        from llcray.aten.tracing.again import trace_again

        return target_of(trace_again(traced_of(like), module, loss, data, gradients))
    made = target_of(trace_module(module, loss, data, gradients, is_likelihood, structure))
    few = replace(made, data={name: array[:NUM_TOGETHER] for name, array in made.data.items()})
    with jax.enable_x64(True):
        check_single_examples(make_posterior(few, 1.0, None, jnp.float64))
    return made
