"""Cases of convolutions."""

from collections.abc import Sequence
from typing import Any

from tests.aten.rules.cases.draw import Case


def convolution(x: Sequence[int], weight: Sequence[int], bias: bool, *rest: Any) -> Case:
    return lambda draw: (
        draw.normal(*x), draw.normal(*weight),
        draw.normal(weight[1] * rest[-1] if rest[3] else weight[0]) if bias else None, *rest
    )  # fmt: skip


CASES: dict[str, list[Case]] = {
    "aten.convolution.default": [
        convolution((2, 3, 8), (4, 3, 3), True, [1], [1], [1], False, [0], 1),
        convolution((2, 4, 7, 8), (6, 2, 3, 2), True, [2, 1], [1, 0], [1, 2], False, [0, 0], 2),
        convolution((1, 2, 4, 4, 4), (3, 2, 2, 2, 2), False, [1], [0], [1], False, [0], 1),
        convolution((2, 4, 5), (4, 3, 3), True, [2], [1], [1], True, [1], 2),
        convolution((2, 3, 4, 5), (3, 2, 3, 3), False, [2, 1], [1, 0], [1, 2], True, [1, 0], 1),
    ],
}  # fmt: skip
