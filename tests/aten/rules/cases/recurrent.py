"""Cases of recurrent layers."""

from collections.abc import Sequence
from typing import Any

from tests.aten.rules.cases.draw import Case, Draw


def recurrent(gates: int, biases: bool, layers: int, both: bool, first: bool, states: int, project: int = 0) -> Case:
    def case(draw: Draw) -> Sequence[Any]:
        inputs, hidden, directions = 3, 4, 2 if both else 1
        out = project or hidden
        params = []
        for layer in range(layers):
            for _ in range(directions):
                width = inputs if layer == 0 else out * directions
                shapes = [(gates * hidden, width), (gates * hidden, out)]
                shapes += [(gates * hidden,)] * 2 * biases + [(project, hidden)] * bool(project)
                params += [draw.normal(*shape) for shape in shapes]
        start = [draw.normal(layers * directions, 2, width) for width in (out, hidden)[:states]]
        x = draw.normal(*((2, 5) if first else (5, 2)), inputs)
        return x, start if states > 1 else start[0], params, biases, layers, 0.0, False, both, first

    return case


CASES: dict[str, list[Case]] = {
    "aten.gru.input": [recurrent(3, True, 2, False, True, 1), recurrent(3, False, 1, True, False, 1)],
    "aten.lstm.input": [
        recurrent(4, True, 2, False, True, 2), recurrent(4, False, 2, True, False, 2), recurrent(4, True, 1, False,
        True, 2, project=2)
    ],
    "aten.rnn_relu.input": [recurrent(1, True, 1, True, True, 1)],
    "aten.rnn_tanh.input": [recurrent(1, True, 2, False, True, 1)],
}  # fmt: skip
