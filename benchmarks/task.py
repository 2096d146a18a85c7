"""The work that every contestant does: a perceptron 32-84-84-1 (9,997 parameters), 5,000 examples, squared error."""

from itertools import pairwise
from pathlib import Path

import numpy as np

WIDTHS = (32, 84, 84, 1)
NUM_DATA = 5000
NUM_CHAINS = 16
STEP_SIZE = 1e-6
"""epsilon of Welling and Teh, small enough that no chain leaves; timings do not depend on it."""


def arrays(seed: int = 0, widths: tuple[int, ...] = WIDTHS) -> dict[str, np.ndarray]:
    """Kernels, biases, inputs and labels in float32; the labels are the network's own outputs plus noise."""
    rng = np.random.default_rng(seed)
    made = {}
    x = rng.standard_normal((NUM_DATA, widths[0]))
    hidden = x
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        made[f"kernel_{layer}"] = rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)
        made[f"bias_{layer}"] = np.zeros(outputs)
        hidden = hidden @ made[f"kernel_{layer}"]
        if layer < len(widths) - 2:
            hidden = np.maximum(hidden, 0)
    y = hidden + rng.standard_normal(hidden.shape)
    return {name: array.astype(np.float32) for name, array in (made | {"x": x, "y": y}).items()}


def write(path: Path) -> None:
    """The arrays as a file, for another interpreter."""
    np.savez(path, **arrays())


def operations_per_step(batch_size: int, widths: tuple[int, ...] = WIDTHS) -> int:
    """Of the matrix products of a gradient: forward, and with respect to weights and to hidden activations."""
    weights = [inputs * outputs for inputs, outputs in pairwise(widths)]
    return 2 * batch_size * (3 * sum(weights) - weights[0])
