"""Comparison of a traced loss with torch: its losses, its gradient, and that the gradient is the derivative.

The places are w* and one beside it, where parameters that are zero at w*, and gradients that vanish there, show. The
gradient is that of a sum of losses with random weights, since the sum's own is zero at a minimum.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax
import numpy as np
import torch

from llcray.array_types import Array, Arrays
from llcray.aten.errors import TorchLossError
from llcray.aten.graph import REALS, Graph
from llcray.aten.loss import GraphLoss
from llcray.aten.tracing.places import at
from llcray.aten.tracing.state import State, array_of
from llcray.aten.tracing.suspects import line_of_no_grad
from llcray.aten.tracing.trace import DETACH, Loss, Tensors, Trace, losses_in_torch, without_detach

Gradients = Literal["torch", "losses"]
OF_LOSSES, OF_GRADIENTS, OF_SLOPE = 1e-4, 1e-3, 1e-2
"""Differences that rounding may cause, as shares of the largest loss, the largest derivative, the slope."""
NEGLIGIBLE = 1e-6
"""Nats, and nats per unit of a parameter. Near an exact fit, float32 rounds probabilities near 1 by 1e-7."""
APART = 0.01
"""Distance of the place beside w*, as a share of the size of w*."""
STEP, ROUNDED_STEP = 1e-7, 1e-3
"""Length of the steps of a difference quotient, as a share of the size of w*: short, since a deep network turns within
1e-5, and longer where a part of the loss is computed in another type than the parameters', and rounded."""
ROUNDING = ("round", "floor", "ceil", "trunc", "sign", "sgn", "argmax", "argmin", "gt", "ge", "lt", "le", "eq", "ne")
ACCEPT = "or pass gradients='losses' to sample by the derivative of the losses all the same"
UNOPTIMISED: dict[str, Any] = {"xla_backend_optimization_level": 0}


@dataclass(frozen=True)
class Comparison:
    """A traced loss beside the torch code that it was traced from.

    Attributes:
        state: The module.
        loss: The loss in torch.
        trace: The traced loss.
        few: Some examples.
        gradients: Whether torch's gradient must be the derivative of the losses.
    """

    state: State
    loss: Loss
    trace: Trace
    few: Tensors
    gradients: Gradients

    def check(self) -> None:
        """Refuses a loss whose chains would follow something else than the user's loss.

        Raises:
            TorchLossError: Losses or gradients differ from torch's, or the gradient is not the derivative.
        """
        compiled = self._compiled(self.trace.graph)
        without: set[tuple[str, int]] = set()
        for params in (self._params(), self._params_beside()):
            ours, gradient = compiled(params, self._weights())
            theirs, theirs_gradient = self._in_torch(params)
            compare_losses(np.asarray(ours), theirs)
            if self.gradients == "torch":
                without |= self._compare_gradients(gradient, theirs_gradient)
        self._check_detached(gradient)
        self._check_derivative(gradient)
        for name, row in sorted(without):
            warnings.warn(
                f"torch gives row {row} of {name} no gradient (padding_idx={row}); chains follow the derivative of the "
                "losses, which is not zero there.",
                stacklevel=5,
            )

    def _params(self) -> Arrays:
        return {name: self.state.parameters[name].numpy() for name in self.trace.graph.parameters}

    def _params_beside(self) -> Arrays:
        rng, params = np.random.default_rng(0), self._params()
        apart = APART * _norm(params) / np.sqrt(sum(array.size for array in params.values()))
        return {
            name: array + (apart * rng.normal(size=array.shape)).astype(array.dtype) for name, array in params.items()
        }

    def _weights(self) -> np.ndarray:
        """A weight for each example, in the parameters' type."""
        num_examples = len(next(iter(self.few.values())))
        return np.random.default_rng(1).normal(size=num_examples).astype(self.trace.graph.dtype) / num_examples

    def _losses(self, graph: Graph, params: Mapping[str, Array]) -> Array:
        held = {**self.state.buffers, **self.trace.constants}
        buffers = {name: array_of(held[name]) for name in graph.buffers}
        return GraphLoss(graph)(params, {name: array_of(self.few[name]) for name in graph.inputs}, buffers)

    def _compiled(self, graph: Graph) -> Callable[..., tuple[Array, Mapping[str, Array]]]:
        """Losses, and the gradient of their weighted sum, as a function of the parameters and the weights."""

        def weighted(params: Mapping[str, Array], weights: Array) -> tuple[Array, Array]:
            losses = self._losses(graph, params)
            return losses @ weights, losses

        def losses_and_gradient(params: Mapping[str, Array], weights: Array) -> tuple[Array, Mapping[str, Array]]:
            gradient, losses = jax.grad(weighted, has_aux=True)(params, weights)
            return losses, gradient

        return _compiled(losses_and_gradient, self._params(), self._weights())

    def _in_torch(self, params: Arrays) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Losses and the gradient of their weighted sum, by torch's autograd."""
        leaves = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
        with torch.enable_grad():
            state = {**self.state.parameters, **self.state.buffers, **leaves}
            losses = losses_in_torch(self.state.module, self.loss, state, self.few)
            total = (losses * torch.as_tensor(self._weights())).sum()
            if not total.requires_grad:
                return losses.numpy(), {name: np.zeros_like(array) for name, array in params.items()}
            gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
        named = zip(leaves.items(), gradients, strict=True)
        arrays = {name: np.zeros(leaf.shape) if own is None else own.numpy() for (name, leaf), own in named}
        return losses.detach().numpy(), arrays

    def _compare_gradients(self, ours: Mapping[str, Array], theirs: Mapping[str, np.ndarray]) -> set[tuple[str, int]]:
        """Refuses a difference from torch's gradient; gives the padding rows that torch leaves out."""
        own = {name: np.array(array) for name, array in ours.items()}
        rounding = _rounding(theirs)
        rows = set(self._padding_rows())
        without = {
            (name, row) for name, row in rows if np.abs(own[name][row] - theirs[name][row]).max() > rounding[name]
        }
        for name, row in rows:
            own[name][row] = theirs[name][row]
        if found := _difference(own, theirs):
            name, size = found
            cause = line_of_no_grad(self.state, self.loss, self.few)
            raise TorchLossError(
                f"torch's gradient of {name} is not the derivative of the losses, but off by {size:.2g}: "
                f"{cause or 'a torch.autograd.Function has a backward of its own'}. Chains follow the derivative of "
                f"the losses: write the loss without it, {ACCEPT}."
            )
        return without

    def _check_detached(self, gradient: Mapping[str, Array]) -> None:
        """Refuses a gradient that what `detach` cuts off would change, at the place beside w*."""
        calls = zip(self.trace.graph.calls, self.trace.traces, strict=True)
        traces = [trace for call, trace in calls if call.op == DETACH]
        if not traces:
            return
        _, whole = self._compiled(without_detach(self.trace.graph))(self._params_beside(), self._weights())
        if found := _difference(gradient, whole):
            name, size = found
            raise TorchLossError(
                f"the gradient of {name} is not the derivative of the losses, but off by {size:.2g}: detach cuts a "
                f"part of it off{at(traces[0])}. Chains need all of it: write the loss without it, {ACCEPT}."
            )

    def _padding_rows(self) -> Iterator[tuple[str, int]]:
        """Parameters that are tables of embeddings, and their rows to which torch gives no gradient."""
        parameters = self.trace.graph.parameters
        for call in self.trace.graph.calls:
            if call.op == "aten.embedding.default" and len(call.args) > 2 and call.args[2] >= 0:
                table, row = call.args[0].number, call.args[2]
                if table < len(parameters):
                    yield parameters[table], row

    def _check_derivative(self, gradient: Mapping[str, Array]) -> None:
        """Compares the gradient at the place beside w* with a difference quotient in float64."""
        rng = np.random.default_rng(2)
        slopes = {name: np.asarray(array, np.float64) for name, array in gradient.items()}
        random = {name: rng.normal(size=array.shape) for name, array in slopes.items()}
        size, random_size = _norm(slopes), _norm(random)
        direction = {name: array / (size or 1.0) + random[name] / random_size for name, array in slopes.items()}
        expected = sum(float(np.vdot(slopes[name], direction[name])) for name in slopes)
        is_exact = all(
            call.dtype in (None, self.trace.graph.dtype) or call.dtype not in REALS for call in self.trace.graph.calls
        )
        with jax.enable_x64(True):
            place = {name: np.asarray(array, np.float64) for name, array in self._params_beside().items()}
            step = (STEP if is_exact else ROUNDED_STEP) * max(_norm(place), 1e-3)
            compiled = _compiled(partial(self._losses, self.trace.graph), place)
            ahead, behind = (
                np.asarray(compiled({name: place[name] + sign * step * direction[name] for name in place}), np.float64)
                for sign in (1, -1)
            )
        quotient = float((ahead - behind) @ self._weights().astype(np.float64)) / (2 * step)
        noise = (1e-13 if is_exact else 1e-6) * float(np.abs(ahead).max()) / step
        if abs(quotient - expected) > OF_SLOPE * size * 2 + noise + NEGLIGIBLE:
            raise TorchLossError(
                f"the gradient is not the derivative of the losses: along one direction it is {expected:.3g}, a "
                f"difference quotient {quotient:.3g}. {self._suspicion()}"
            )

    def _suspicion(self) -> str:
        graph = self.trace.graph
        moving = set(range(len(graph.parameters)))
        for number, (call, trace) in enumerate(zip(graph.calls, self.trace.traces, strict=True), graph.num_given):
            if moving.isdisjoint(call.references()):
                continue
            moving.add(number)
            if call.op.split(".")[1] in ROUNDING:
                return f"{call.op} jumps{at(trace)}, and a loss that jumps has no derivative. Write it without jumps."
        return "Write the loss as a differentiable function of the parameters."


def _rounding(gradient: Mapping[str, Array]) -> dict[str, float]:
    """The difference that rounding may make in each part of a gradient; a small part may be off by less."""
    sizes = {name: float(np.abs(np.asarray(array)).max(initial=0)) for name, array in gradient.items()}
    largest = max(sizes.values())
    return {
        name: max(1e-5 * largest, min(OF_GRADIENTS * largest, 0.1 * size)) + NEGLIGIBLE for name, size in sizes.items()
    }


def _difference(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> tuple[str, float] | None:
    """The part of a gradient that is off by more than rounding the most, and by how much; None where none is."""
    rounding = _rounding(theirs)
    off = {name: float(np.abs(np.asarray(ours[name]) - np.asarray(theirs[name])).max(initial=0)) for name in theirs}
    wrong = {name: size for name, size in off.items() if not size <= rounding[name]}
    return max(wrong.items(), key=lambda part: part[1]) if wrong else None


def _compiled(function: Callable[..., Any], *args: Any) -> Callable[..., Any]:
    options = UNOPTIMISED if jax.default_backend() == "cpu" else None
    return jax.jit(function).lower(*args).compile(compiler_options=options)


def compare_losses(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Refuses losses of the same examples that differ by more than rounding.

    Raises:
        TorchLossError: They do, or torch's are not finite.
    """
    if not np.isfinite(theirs).all():
        raise TorchLossError(f"torch gives losses that are not finite, such as {theirs[~np.isfinite(theirs)][0]}.")
    difference, size = float(np.abs(ours - theirs).max()), float(np.abs(theirs).max())
    if not difference <= OF_LOSSES * size + NEGLIGIBLE:
        raise TorchLossError(
            f"the losses in JAX are off torch's by {difference / (size or 1.0):.2g} of their size. This is a fault of "
            "one of llcray's rules: please report it with the module."
        )


def _norm(arrays: Mapping[str, np.ndarray]) -> float:
    return float(np.sqrt(sum(np.vdot(array, array) for array in arrays.values())))
