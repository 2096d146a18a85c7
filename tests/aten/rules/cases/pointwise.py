"""Cases of functions of single numbers."""

import torch

from tests.aten.rules.cases.draw import Case, between, equals, of

EVERYWHERE = """
    abs asinh atan ceil cos cosh digamma elu erf erfc exp expm1 floor gelu hardtanh isinf isnan leaky_relu lgamma neg
    relu round sgn sigmoid sign silu sin sinh softplus tan tanh trunc
"""
COPIES = "alias clone lift lift_fresh lift_fresh_copy detach"
POSITIVE = "log log10 log1p log2 reciprocal rsqrt sqrt"

CASES: dict[str, list[Case]] = {
    **{f"aten.{name}.default": [between(-2.3, 2.4)] for name in EVERYWHERE.split()},
    **{f"aten.{name}.default": [between(0.2, 2)] for name in POSITIVE.split()},
    **{f"aten.{name}.default": [between(-0.9, 0.9)] for name in ["acos", "asin", "atanh", "erfinv"]},
    **{f"aten.{name}.default": [of((3, 4))] for name in COPIES.split()},
    "aten.abs.default": [between(-2.3, 2.4), lambda draw: (draw.whole(3, 3, 4).to(draw.dtype) - 1,),
        lambda draw: (draw.whole(5, 3) - 2,), lambda draw: (torch.complex(draw.normal(3), draw.normal(3)),)],
    "aten.acosh.default": [between(1.1, 3)],
    "aten.bitwise_not.default": [lambda draw: (draw.chance(3, 4),), lambda draw: (draw.whole(9, 3),)],
    "aten.clamp.Tensor": [lambda draw: (draw.normal(9), draw.uniform(-1, 0, 9), draw.uniform(0, 1, 9))],
    "aten.clamp.default": [of((9,), -0.5, 0.5), of((9,), -0.5), of((9,), None, 0.5),
        lambda draw: (equals(draw)[0], 1, 2)],
    "aten.elu.default": [of((9,), 1.3, 1.1, 0.9), of((9,))],
    "aten.gelu.default": [of((9,)), of((9,), {"approximate": "tanh"})],
    "aten.hardtanh.default": [of((9,), 0.0, 6.0), lambda draw: (equals(draw)[0], 0, 1)],
    "aten.leaky_relu.default": [of((9,), 0.2), of((9,))],
    "aten.logical_not.default": [lambda draw: (draw.chance(3, 4),), lambda draw: (draw.whole(2, 3),)],
    "aten.nan_to_num.default": [
        lambda draw: (torch.tensor([1.0, torch.nan, torch.inf, -torch.inf], dtype=draw.dtype), 0.5, 2.0, -3.0),
        lambda draw: (torch.tensor([1.0, torch.nan], dtype=draw.dtype),),
    ],
    **{f"aten.{name}.default": [between(-2.3, 2.4)]
       for name in ("exp2", "signbit", "special_i0e", "special_i1", "special_i1e")},
    "aten.digamma.default": [between(-2.3, 2.4), lambda draw: (torch.tensor([-0.3, -1.6, -4.8], dtype=draw.dtype),)],
    "aten.polygamma.default": [lambda draw: (1, torch.tensor([-0.3, -1.6, -4.8], dtype=draw.dtype)),
        *[lambda draw, order=order: (order, draw.uniform(0.5, 3, 3, 4)) for order in (0, 1, 2)]],
    "aten.i0.default": [between(-2.3, 2.4), lambda draw: (torch.zeros(2, dtype=draw.dtype),),
                        lambda draw: (draw.whole(3, 4),)],
    "aten.special_ndtri.default": [between(0.1, 0.9), lambda draw: (draw.whole(2, 3),)],
    "aten.rsqrt.default": [between(0.2, 2), lambda draw: (1 + draw.whole(3, 4),)],
    "aten.sigmoid.default": [between(-2.3, 2.4), lambda draw: (draw.whole(3, 4),)],
    "aten.sign.default": [between(-2.3, 2.4), lambda draw: (draw.chance(4),)],
    "aten.round.decimals": [of((9,), {"decimals": 1})],
    "aten.round.default": [lambda draw: (torch.tensor([0.5, 1.5, 2.5, -0.5, 0.3], dtype=draw.dtype),)],
    "aten.softplus.default": [of((9,)), of((9,), 3.0, 1.0), lambda draw: (100 * draw.normal(9),)],
}  # fmt: skip
