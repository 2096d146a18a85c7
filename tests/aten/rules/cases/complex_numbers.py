"""Cases of complex numbers and Fourier transforms."""

from collections.abc import Sequence
from typing import Any

import torch

from tests.aten.rules.cases.draw import Case, of


def of_complex(shape: Sequence[int], *rest: Any) -> Case:
    return lambda draw: (torch.complex(draw.normal(*shape), draw.normal(*shape)), *rest)


CASES: dict[str, list[Case]] = {
    **{f"aten.{name}.default": [of_complex((3, 4))]
       for name in ("_conj", "_conj_physical", "_neg_view", "angle", "view_as_real")},
    "aten._fft_c2c.default": [
        of_complex((3, 4, 5), [1], 0, True), of_complex((3, 4, 5), [2, 0], 1, False), of_complex((3, 4), [1], 2, True),
        of_complex((2, 2, 3, 2), [0, 1, 2, 3], 2, False),
    ],
    "aten._fft_c2r.default": [of_complex((3, 4), [1], 2, 6), of_complex((3, 4), [0, 1], 1, 7)],
    "aten._fft_r2c.default": [
        of((3, 6), [1], 0, True), of((3, 7), [0, 1], 1, True), of((3, 4), [1], 2, False), of((3, 4), [0, 1], 0, False),
    ],
    "aten.complex.default": [lambda draw: (draw.normal(3, 4), draw.normal(4))],
    "aten.polar.default": [lambda draw: (draw.uniform(0.1, 2, 3, 4), draw.normal(3, 4))],
    "aten.view_as_complex.default": [of((3, 4, 2))],
}  # fmt: skip
