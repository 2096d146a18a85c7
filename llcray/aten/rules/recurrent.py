"""Recurrent layers as scans; unrolled, they take ten times as long to trace and to compile."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from llcray.array_types import Array

State = tuple[Array, ...]
Cell = Callable[[State, Array, "Weights"], State]
"""`cell(state, inputs, weights)`: the next state, whose first array is the output."""


class Weights(NamedTuple):
    """Weights of one direction of one layer.

    Attributes:
        inputs: Weights of the inputs (gates, inputs).
        hidden: Weights of the hidden state (gates, hidden).
        input_bias: Biases beside `inputs`, or 0.
        hidden_bias: Biases beside `hidden`, or 0.
        projection: Weights of an LSTM's projected output (outputs, hidden); None without.
    """

    inputs: Array
    hidden: Array
    input_bias: Any = 0
    hidden_bias: Any = 0
    projection: Array | None = None


def _recurrent(cell: Cell) -> Callable[..., tuple[Array, ...]]:
    """The rule of a layer; arguments past the parameters are torch's, of which dropout and train are not used."""

    def layers(
        x: Array,
        initial: Array | Sequence[Array],
        params: Sequence[Array],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> tuple[Array, ...]:
        if dropout and train:
            raise ValueError("a recurrent layer drops outputs at random. Call module.eval() first")
        states: Sequence[Array] = initial if isinstance(initial, Sequence) else [initial]
        is_projected = len(states) > 1 and states[0].shape[-1] != states[1].shape[-1]
        num_arrays = (4 if has_biases else 2) + is_projected
        directions = range(2 if bidirectional else 1)
        x = jnp.swapaxes(x, 0, 1) if batch_first else x
        last: list[State] = []
        for layer in range(num_layers):
            outputs = []
            for direction in directions:
                place = layer * len(directions) + direction
                weights = _weights(params[place * num_arrays : (place + 1) * num_arrays], has_biases, is_projected)
                start = tuple(state[place] for state in states)
                end, output = _scan(cell, weights, start, x, backwards=direction == 1)
                outputs.append(output)
                last.append(end)
            x = jnp.concatenate(outputs, -1)
        ends = [jnp.stack(parts) for parts in zip(*last, strict=True)]
        return (jnp.swapaxes(x, 0, 1) if batch_first else x, *ends)

    return layers


def _weights(arrays: Sequence[Array], has_biases: bool, is_projected: bool) -> Weights:
    projection = arrays[-1] if is_projected else None
    input_bias, hidden_bias = arrays[2:4] if has_biases else (0, 0)
    return Weights(arrays[0], arrays[1], input_bias, hidden_bias, projection)


def _scan(cell: Cell, weights: Weights, start: State, x: Array, backwards: bool) -> tuple[State, Array]:
    def step(state: State, inputs: Array) -> tuple[State, Array]:
        state = cell(state, inputs, weights)
        return state, state[0]

    return lax.scan(step, start, x @ weights.inputs.T + weights.input_bias, reverse=backwards)


def _lstm(state: State, inputs: Array, weights: Weights) -> State:
    hidden, memory = state
    gates = inputs + hidden @ weights.hidden.T + weights.hidden_bias
    let_in, keep, new, let_out = jnp.split(gates, 4, -1)
    memory = jax.nn.sigmoid(keep) * memory + jax.nn.sigmoid(let_in) * jnp.tanh(new)
    hidden = jax.nn.sigmoid(let_out) * jnp.tanh(memory)
    return (hidden if weights.projection is None else hidden @ weights.projection.T), memory


def _gru(state: State, inputs: Array, weights: Weights) -> State:
    (hidden,) = state
    from_inputs = jnp.split(inputs, 3, -1)
    from_hidden = jnp.split(hidden @ weights.hidden.T + weights.hidden_bias, 3, -1)
    reset, update = (jax.nn.sigmoid(a + b) for a, b in zip(from_inputs[:2], from_hidden[:2], strict=True))
    new = jnp.tanh(from_inputs[2] + reset * from_hidden[2])
    return (new + update * (hidden - new),)


def _elman(activation: Callable[[Array], Array]) -> Cell:
    def cell(state: State, inputs: Array, weights: Weights) -> State:
        return (activation(inputs + state[0] @ weights.hidden.T + weights.hidden_bias),)

    return cell


RULES = {
    "aten.gru.input": _recurrent(_gru),
    "aten.lstm.input": _recurrent(_lstm),
    "aten.rnn_relu.input": _recurrent(_elman(jax.nn.relu)),
    "aten.rnn_tanh.input": _recurrent(_elman(jnp.tanh)),
}
