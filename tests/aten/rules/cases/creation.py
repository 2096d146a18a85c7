"""Cases of arrays made of numbers, and of arrays in another type."""

import torch

from tests.aten.rules.cases.draw import Case, of

CASES: dict[str, list[Case]] = {
    "aten._to_copy.default": [
        of((3, 4), {"dtype": torch.float64}), of((3, 4), {"dtype": torch.int32}),
        lambda draw: (draw.chance(3), {"dtype": draw.dtype})
    ],
    "aten.arange.start_step": [
        lambda draw: (0, 7), lambda draw: (1, 8, 3, {"dtype": torch.int64}),
        lambda draw: (0.0, 1.0, 0.25, {"dtype": draw.dtype})
    ],
    **{f"aten.{name}_window.default": [lambda draw: (5, {"dtype": draw.dtype})]
       for name in ("bartlett", "blackman", "hamming", "kaiser")},
    **{f"aten.{name}_window.periodic": [lambda draw, periodic=periodic, length=length: (length, periodic,
                                                                                       {"dtype": draw.dtype})
                                        for periodic in (True, False) for length in (6, 1)]
       for name in ("bartlett", "blackman", "hamming", "kaiser")},
    "aten.hamming_window.periodic_alpha": [lambda draw: (6, True, 0.5, {"dtype": draw.dtype})],
    "aten.hamming_window.periodic_alpha_beta": [lambda draw: (6, True, 0.5, 0.4, {"dtype": draw.dtype})],
    "aten.kaiser_window.beta": [lambda draw: (6, True, 7.0, {"dtype": draw.dtype})],
    "aten.copy.default": [lambda draw: (draw.normal(3, 4), draw.normal(4)),
        lambda draw: (draw.whole(3, 3, 4), draw.normal(3, 4))],
    **{f"aten.fft_{name}.default": [lambda draw: (7, {"dtype": draw.dtype}),
                                    lambda draw: (6, 0.5, {"dtype": draw.dtype})]
       for name in ("fftfreq", "rfftfreq")},
    **{f"aten.{name}_indices.default": [lambda draw: (3, 4), lambda draw: (4, 3, -1), lambda draw: (4, 4, 1)]
       for name in ("tril", "triu")},
    "aten.full.default": [lambda draw: ([2, 3], 1.5, {"dtype": draw.dtype}),
        lambda draw: ([2], True, {"dtype": torch.bool})],
    "aten.full_like.default": [of((3, 4), 2), of((3, 4), 2, {"dtype": torch.int64})],
    "aten.scalar_tensor.default": [lambda draw: (1.5, {"dtype": draw.dtype}),
        lambda draw: (float("-inf"), {"dtype": draw.dtype})],
}  # fmt: skip
