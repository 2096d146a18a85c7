"""Cases of arithmetic, comparisons and logic."""

from collections.abc import Sequence
from typing import Any

import torch

from tests.aten.rules.cases.draw import Case, Draw, bits, equals, masks, of, two


def equal_to_one(draw: Draw) -> Sequence[Any]:
    return draw.whole(3, 3, 4).to(draw.dtype), 1


COMPARISONS = {
    f"aten.{name}.{overload}": [case] for name in ("eq", "ge", "gt", "le", "lt", "ne")
    for overload, case in (("Tensor", equals), ("Scalar", equal_to_one))
}  # fmt: skip

CASES: dict[str, list[Case]] = {
    **COMPARISONS,
    "aten.add.Scalar": [of((3, 4), 1.5)],
    "aten.add.Tensor": [*two(), lambda draw: (draw.normal(3), draw.normal(3), {"alpha": 2})],
    "aten.addcdiv.default": [lambda draw: (draw.normal(3), draw.normal(3), draw.uniform(1, 2, 3), {"value": 0.5})],
    "aten.addcmul.default": [lambda draw: (draw.normal(3), draw.normal(3), draw.normal(3), {"value": 0.5})],
    "aten.atan2.default": two(),
    "aten.bitwise_and.Scalar": [lambda draw: (draw.whole(16, 3), 6)],
    "aten.bitwise_and.Tensor": [bits, masks],
    **{f"aten.bitwise_{name}.Scalar_Tensor": [lambda draw: (6, draw.whole(4, 3))]
       for name in ("and", "or", "xor", "left_shift", "right_shift")},
    **{f"aten.bitwise_{way}_shift.Tensor_Scalar": [lambda draw: (draw.whole(64, 3), 2)] for way in ("left", "right")},
    "aten.copysign.Scalar": [of((9,), -1.5)],
    "aten.copysign.Tensor": [*two(), masks, bits],
    "aten.bitwise_left_shift.Tensor": [lambda draw: (draw.whole(16, 3), draw.whole(4, 3))],
    "aten.bitwise_or.Scalar": [lambda draw: (draw.whole(16, 3), 6)],
    "aten.bitwise_or.Tensor": [bits, masks],
    "aten.bitwise_right_shift.Tensor": [lambda draw: (draw.whole(16, 3), draw.whole(4, 3))],
    "aten.bitwise_xor.Scalar": [lambda draw: (draw.whole(16, 3), 6)],
    "aten.bitwise_xor.Tensor": [bits, masks],
    "aten.div.Scalar": [of((3, 4), 1.5)],
    "aten.div.Scalar_mode": [of((3, 4), 0.7, {"rounding_mode": mode}) for mode in (None, "floor", "trunc")],
    "aten.div.Tensor": [*two(0.5, 2), lambda draw: (draw.whole(9, 4), 1 + draw.whole(9, 4))],
    "aten.div.Tensor_mode": [
        lambda draw: (draw.normal(9), draw.uniform(0.5, 1, 9), {"rounding_mode": "floor"}),
        lambda draw: (draw.normal(9), draw.uniform(0.5, 1, 9), {"rounding_mode": "trunc"}),
        lambda draw: (draw.whole(9, 9) - 4, 1 + draw.whole(3, 9), {"rounding_mode": "floor"}),
        lambda draw: (draw.whole(9, 9) - 4, 1 + draw.whole(3, 9), {"rounding_mode": "trunc"}),
    ],
    "aten.fmax.default": [*two(), equals],
    "aten.fmin.default": [*two(), equals],
    "aten.fmod.Scalar": [of((9,), 0.7)],
    "aten.fmod.Tensor": [lambda draw: (draw.normal(9), draw.uniform(0.5, 1, 9))],
    "aten.hypot.default": two(),
    **{f"aten.{name}.default": [lambda draw: (draw.uniform(0.5, 3, 3, 4), draw.uniform(0.5, 3, 3, 4))]
       for name in ("igamma", "igammac")},
    "aten.ldexp.Tensor": [lambda draw: (draw.normal(3, 4), draw.whole(5, 4))],
    "aten.logical_and.default": [masks],
    "aten.logical_or.default": [masks],
    "aten.logical_xor.default": [masks],
    "aten.masked_fill.Scalar": [lambda draw: (draw.normal(3, 4), draw.chance(3, 4), -1.0)],
    "aten.masked_fill.Tensor": [lambda draw: (draw.normal(3, 4), draw.chance(4), draw.normal())],
    "aten.maximum.default": [*two(), equals],
    "aten.minimum.default": [*two(), equals],
    "aten.mul.Scalar": [of((3, 4), 1.5)],
    "aten.mul.Tensor": [*two(), lambda draw: (draw.normal(3), draw.chance(3))],
    "aten.pow.Scalar": [lambda draw: (2.0, draw.normal(3, 4))],
    "aten.pow.Tensor_Scalar": [
        of((3, 4), 2), of((3, 4), 3.0), lambda draw: (draw.uniform(0.5, 2, 3, 4), -0.5),
        lambda draw: (torch.zeros(3, dtype=draw.dtype), 2), lambda draw: (1 + draw.whole(3, 4), -1.0),
    ],
    "aten.pow.Tensor_Tensor": two(0.5, 2),
    "aten.remainder.Scalar": [of((9,), 0.7), of((9,), -0.7)],
    "aten.remainder.Scalar_Tensor": [lambda draw: (1.7, draw.uniform(0.5, 1, 9))],
    "aten.remainder.Tensor": [lambda draw: (draw.normal(9), draw.uniform(0.5, 1, 9))],
    "aten.rsub.Scalar": [of((3, 4), 1.5), of((3, 4), 1.5, 2)],
    "aten.sub.Scalar": [of((3, 4), 1.5)],
    "aten.sub.Tensor": [*two(), lambda draw: (draw.normal(3), draw.normal(3), {"alpha": 2})],
    "aten.where.self": [lambda draw: (draw.chance(3, 4), draw.normal(3, 4), draw.normal(4))],
}  # fmt: skip
