"""Arguments that each rule is compared with torch on, by operator; several where an operator has several meanings.

A case is a function of a `Draw`, which gives tensors of the type that is tested,
and returns the operator's arguments; a
dict that ends them holds arguments by name. Torch itself says what the result is.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

Case = Callable[["Draw"], Sequence[Any]]


class Draw:
    """Random tensors of one floating-point type, of whole numbers and of Booleans; equal for each case."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._generator = torch.Generator().manual_seed(0)

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=self._generator).to(self.dtype)

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        numbers = torch.rand(shape, dtype=torch.float64, generator=self._generator)
        return (low + (high - low) * numbers).to(self.dtype)

    def whole(self, end: int, *shape: int) -> torch.Tensor:
        return torch.randint(0, end, shape, generator=self._generator)

    def chance(self, *shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=self._generator) < 0.5


def of(shape: Sequence[int], *rest: Any) -> Case:
    """Normal numbers, then other arguments."""
    return lambda draw: (draw.normal(*shape), *rest)


def between(low: float, high: float) -> Case:
    return lambda draw: (draw.uniform(low, high, 3, 4),)


def two(low: float = -2, high: float = 2) -> list[Case]:
    """Two arrays of one shape, and two that broadcast."""
    return [
        lambda draw: (draw.uniform(low, high, 3, 4), draw.uniform(low, high, 3, 4)),
        lambda draw: (draw.uniform(low, high, 3, 1), draw.uniform(low, high, 4)),
    ]


def bits(draw: Draw) -> Sequence[Any]:
    return draw.whole(16, 3, 4), draw.whole(16, 3, 4)


def masks(draw: Draw) -> Sequence[Any]:
    return draw.chance(3, 4), draw.chance(3, 4)


def equals(draw: Draw) -> Sequence[Any]:
    """Arrays of which some elements are equal."""
    return draw.whole(3, 3, 4).to(draw.dtype), draw.whole(3, 3, 4).to(draw.dtype)


def equal_to_one(draw: Draw) -> Sequence[Any]:
    return draw.whole(3, 3, 4).to(draw.dtype), 1


COMPARISONS = {
    f"aten.{name}.{overload}": [case] for name in ("eq", "ge", "gt", "le", "lt", "ne")
    for overload, case in (("Tensor", equals), ("Scalar", equal_to_one))
}  # fmt: skip

ARITHMETIC: dict[str, list[Case]] = {
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
    "aten.copysign.Tensor": two(),
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

EVERYWHERE = """
    abs asinh atan ceil cos cosh digamma elu erf erfc exp expm1 floor gelu hardtanh isinf isnan leaky_relu lgamma neg
    relu round sgn sigmoid sign silu sin sinh softplus tan tanh trunc
"""
COPIES = "alias clone lift lift_fresh lift_fresh_copy detach"
POSITIVE = "log log10 log1p log2 reciprocal rsqrt sqrt"

POINTWISE: dict[str, list[Case]] = {
    **{f"aten.{name}.default": [between(-2.3, 2.4)] for name in EVERYWHERE.split()},
    **{f"aten.{name}.default": [between(0.2, 2)] for name in POSITIVE.split()},
    **{f"aten.{name}.default": [between(-0.9, 0.9)] for name in ["acos", "asin", "atanh", "erfinv"]},
    **{f"aten.{name}.default": [of((3, 4))] for name in COPIES.split()},
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
       for name in ("exp2", "i0", "signbit", "special_i0e", "special_i1", "special_i1e")},
    "aten.polygamma.default": [lambda draw, order=order: (order, draw.uniform(0.5, 3, 3, 4)) for order in (0, 1, 2)],
    "aten.special_ndtri.default": [between(0.1, 0.9)],
    "aten.rsqrt.default": [between(0.2, 2), lambda draw: (1 + draw.whole(3, 4),)],
    "aten.sigmoid.default": [between(-2.3, 2.4), lambda draw: (draw.whole(3, 4),)],
    "aten.sign.default": [between(-2.3, 2.4), lambda draw: (draw.chance(4),)],
    "aten.round.decimals": [of((9,), {"decimals": 1})],
    "aten.round.default": [lambda draw: (torch.tensor([0.5, 1.5, 2.5, -0.5, 0.3], dtype=draw.dtype),)],
    "aten.softplus.default": [of((9,)), of((9,), 3.0, 1.0), lambda draw: (100 * draw.normal(9),)],
}  # fmt: skip

CREATION: dict[str, list[Case]] = {
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

SHAPES: dict[str, list[Case]] = {
    "aten._unsafe_view.default": [of((3, 4), [2, -1])],
    "aten.cat.default": [
        lambda draw: ([draw.normal(2, 3), draw.normal(2, 1)], 1), lambda draw: ([draw.normal(0), draw.normal(2, 3)],)
    ],
    "aten.constant_pad_nd.default": [of((2, 3), [1, 2], 0.5), of((2, 3), [1, 0, 0, 2]), of((2, 5), [-1, -2])],
    "aten.diagonal.default": [of((3, 4)), of((2, 3, 4), 1, 1, 2), of((2, 3, 3), -1, 2, 0)],
    "aten.expand.default": [of((3, 1), [2, 3, 4]), of((3, 1), [-1, 4])],
    "aten.flip.default": [of((2, 3), [0]), of((2, 3), [0, -1])],
    "aten.permute.default": [of((2, 3, 4), [2, 0, 1]), of((2, 3), [-1, 0])],
    "aten.pixel_shuffle.default": [of((2, 8, 3, 3), 2)],
    **{f"aten.reflection_pad{n}d.default": [of((2, 2, *(4,) * n), [2, 1] * n)] for n in (1, 2, 3)},
    **{f"aten.replication_pad{n}d.default": [of((2, 2, *(4,) * n), [2, 1] * n)] for n in (1, 2, 3)},
    "aten.repeat.default": [of((2, 3), [2, 2]), of((3,), [2, 1, 2])],
    "aten.select.int": [of((2, 3, 4), 1, 2), of((2, 3, 4), -1, -2)],
    "aten.select_scatter.default": [lambda draw: (draw.normal(2, 3), draw.normal(2), 1, -1)],
    "aten.slice.Tensor": [of((5, 4), 0, 1, 9223372036854775807, 2), of((5, 4), -1, 0, -1), of((5,))],
    "aten.slice_scatter.default": [lambda draw: (draw.normal(5, 3), draw.normal(2, 3), 0, 1, 5, 2)],
    "aten.split_with_sizes.default": [of((6, 2), [1, 2, 3]), of((2, 4), [3, 1], -1)],
    "aten.squeeze.dim": [of((2, 1, 3), 1), of((2, 1, 3), 0), of((), 0)],
    "aten.squeeze.dims": [of((1, 2, 1), [0, -1]), of((1, 2, 1), [0, 1])],
    "aten.unbind.int": [of((3, 2)), of((3, 2), -1)],
    "aten.unsqueeze.default": [of((2, 3), 1), of((2, 3), -1)],
    "aten.view.default": [of((3, 4), [2, -1])],
}  # fmt: skip


def of_complex(shape: Sequence[int], *rest: Any) -> Case:
    return lambda draw: (torch.complex(draw.normal(*shape), draw.normal(*shape)), *rest)


COMPLEX: dict[str, list[Case]] = {
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

DIMS: list[Case] = [of((2, 3, 4), [1]), of((2, 3, 4), [0, -1], True), of((2, 3, 4), [])]
ONE: list[Case] = [of((3, 4), 1), of((3, 4), -1, True), of((3, 4), 0)]
PLACES: list[Case] = [of((3, 4)), of((3, 4), 1), of((3, 4), -1, True)]
TRUTHS: list[Case] = [lambda draw: (draw.chance(3, 4), 1), lambda draw: (draw.chance(3, 4), 0, True)]


def one_is_no_number(draw: Draw) -> Sequence[Any]:
    x = draw.normal(3, 5)
    x[0, 2] = torch.nan
    return x, 1


def a_zero(draw: Draw, shape: Sequence[int] = (3, 4)) -> torch.Tensor:
    x = draw.normal(*shape)
    x[0, 1] = 0
    return x


REDUCTIONS: dict[str, list[Case]] = {
    "aten._log_softmax.default": [of((3, 4), 1, False), of((3, 4), 0, False)],
    "aten._softmax.default": [of((3, 4), -1, False)],
    **{f"aten.{name}.default": [of((3, 4), 1), of((3, 4), -2), lambda draw: (equals(draw)[0], 1), one_is_no_number]
       for name in ("cummax", "cummin")},
    "aten.histc.default": [of((30,), 5), of((30,), 4, -1, 1), lambda draw: (torch.ones(3, dtype=draw.dtype), 3)],
    "aten.kthvalue.default": [of((3, 5), 2), of((5, 3), 4, 0, True), lambda draw: (equals(draw)[0], 2, 1)],
    "aten.logcumsumexp.default": [of((3, 4), 1), of((3, 4), -2)],
    **{f"aten.{name}.default": [of((3, 4)), of((3, 3))] for name in ("max", "median", "min", "nanmedian")},
    "aten.median.dim": [of((3, 4), 1), of((3, 5), 0, True), of((3, 5), -1), one_is_no_number],
    "aten.nanmedian.dim": [of((3, 4), 1), of((3, 5), 0, True), one_is_no_number],
    "aten.var_mean.correction": [of((3, 4), [1], {"keepdim": True}), of((3, 4), None, {"correction": 0})],
    "aten.all.default": [lambda draw: (draw.chance(3),), lambda draw: (draw.whole(2, 3),)],
    "aten.all.dim": TRUTHS,
    "aten.all.dims": [lambda draw: (draw.chance(2, 3, 4), [0, 2]), lambda draw: (draw.chance(3, 4), [])],
    "aten.amax.default": [*DIMS, lambda draw: (equals(draw)[0], [1])],
    "aten.amin.default": [*DIMS, lambda draw: (equals(draw)[0], [1])],
    "aten.any.default": [lambda draw: (draw.chance(3),)],
    "aten.any.dim": TRUTHS,
    "aten.any.dims": [lambda draw: (draw.chance(2, 3, 4), [0, 2]), lambda draw: (draw.chance(3, 4), []),
        lambda draw: (draw.chance(3, 4), None, True)],
    "aten.argmax.default": PLACES,
    "aten.argmin.default": PLACES,
    "aten.cumprod.default": [of((3, 4), 1), lambda draw: (a_zero(draw), -1)],
    "aten.cumsum.default": [of((3, 4), 0), lambda draw: (draw.chance(5), 0)],
    "aten.linalg_vector_norm.default": [
        *[of((3, 4), order, [1]) for order in (2, 1, 3.5, 0, float("inf"), float("-inf"))], of((3, 4)),
        of((3, 4), 2, [-1], True),
        lambda draw: (torch.zeros(2, 3, dtype=draw.dtype), 2, [1]),
    ],
    "aten.logsumexp.default": [of((3, 4), [1]), of((3, 4), [0, 1], True)],
    "aten.max.dim": [*ONE, lambda draw: (equals(draw)[0], 1)],
    "aten.mean.default": [of((3, 4))],
    "aten.mean.dim": DIMS,
    "aten.min.dim": [*ONE, lambda draw: (equals(draw)[0], 1)],
    "aten.prod.default": [of((3, 4))],
    "aten.prod.dim_int": [*ONE, lambda draw: (a_zero(draw), 1)],
    "aten.sort.default": [of((3, 4)), of((3, 4), 0, True)],
    "aten.sort.stable": [of((3, 4), {"stable": True, "dim": 0, "descending": True}),
        lambda draw: (equals(draw)[0], {"stable": True})],
    "aten.sum.default": [of((3, 4)), lambda draw: (draw.chance(3),)],
    "aten.sum.dim_IntList": [*DIMS, of((3, 4), None), lambda draw: (draw.chance(3, 4), [0])],
    "aten.topk.default": [of((3, 6), 2), of((6, 3), 3, 0, False)],
    "aten.var.correction": [
        of((3, 4), [1]), of((3, 4), [0], {"correction": 0, "keepdim": True}), of((3, 4), None, {"correction": 1}),
        of((3, 1), [1], {"correction": 1}),
    ],
}  # fmt: skip


def order_of(name: str, ordered: torch.Tensor, x: Any, right: bool) -> Sequence[Any]:
    """Arguments of `bucketize` and of `searchsorted`, which have them in other orders."""
    ordered = ordered.to(torch.float64)
    return (*((x, ordered) if name == "bucketize" else (ordered, x)), {"right": right})


INDEXING: dict[str, list[Case]] = {
    **{f"aten._embedding_bag{name}.default": [
        lambda draw: (draw.normal(7, 3), draw.whole(7, 6), torch.tensor([0, 2, 2, 5])),
        lambda draw: (draw.normal(7, 3), draw.whole(7, 6), torch.tensor([0, 2, 6]), False, 1, False, None, True),
        lambda draw: (draw.normal(7, 3), torch.tensor([1, 2, 3, 1, 1, 4]), torch.tensor([0, 3, 5]), False, 2),
        lambda draw: (draw.normal(7, 3), draw.whole(7, 6), torch.tensor([0, 2]), False, 0, False, draw.normal(6)),
        lambda draw: (draw.normal(7, 3), torch.tensor([1, 2, 3, 1, 1, 4]), torch.tensor([0, 3]), False, 1, False, None,
                      False, 3),
    ] for name in ("", "_forward_only")},
    **{f"aten.{name}.{kind}": [
        lambda draw, name=name, kind=kind, right=right: order_of(
            name, torch.tensor([0.0, 1, 1, 2]),
            1.0 if kind == "Scalar" else torch.tensor([[0, 1, torch.nan], [3, 2, -1]]).double(), right)
        for right in (False, True)
    ] for name in ("bucketize", "searchsorted") for kind in ("Scalar", "Tensor")},
    "aten.diagonal_scatter.default": [
        lambda draw: (draw.normal(3, 4), draw.normal(3)),
        lambda draw: (draw.normal(3, 2, 4), draw.normal(2, 2), -1, 0, 2),
    ],
    "aten.embedding.default": [lambda draw: (draw.normal(5, 3), draw.whole(5, 2, 4))],
    "aten.gather.default": [
        lambda draw: (draw.normal(3, 4), 1, draw.whole(4, 3, 2)),
        lambda draw: (draw.normal(3, 4), 0, draw.whole(3, 2, 3))
    ],
    "aten.index.Tensor": [
        lambda draw: (draw.normal(3, 4), [draw.whole(3, 5), draw.whole(4, 5)]),
        lambda draw: (draw.normal(3, 4), [None, draw.whole(4, 2, 2)]),
        lambda draw: (draw.normal(3, 4, 5), [draw.whole(3, 2), None, draw.whole(5, 2)]),
        lambda draw: (draw.normal(3, 4), [draw.whole(3, 2) - 3]),
    ],
    "aten.index_add.default": [
        lambda draw: (draw.normal(3, 4), 0, draw.whole(3, 5), draw.normal(5, 4)),
        lambda draw: (draw.normal(3, 4), -1, draw.whole(4, 5), draw.normal(3, 5), {"alpha": 2}),
    ],
    "aten.index_copy.default": [lambda draw: (draw.normal(3, 4), 1, torch.tensor([3, 0]), draw.normal(3, 2))],
    "aten.index_put.default": [
        lambda draw: (draw.normal(5, 2), [torch.tensor([1, 3])], draw.normal(2, 2)),
        lambda draw: (draw.normal(5, 2), [draw.whole(5, 7)], draw.normal(7, 2), True),
        lambda draw: (draw.normal(5, 2), [None, torch.tensor([1])], draw.normal(5, 1)),
        lambda draw: (draw.normal(5, 2), [torch.tensor([-1, -3])], draw.normal(2, 2)),
        lambda draw: (draw.normal(3, 4), [draw.chance(3, 4)], draw.normal()),
        lambda draw: (draw.normal(3, 4), [None, draw.chance(4)], draw.normal(1), True),
        lambda draw: (draw.normal(3, 4), [draw.chance(3)], draw.normal()),
    ],
    "aten.index_select.default": [lambda draw: (draw.normal(3, 4), 1, draw.whole(4, 5)),
        lambda draw: (draw.normal(), 0, draw.whole(1, 1))],
    "aten.masked_scatter.default": [lambda draw: (draw.normal(3, 4), draw.chance(3, 4), draw.normal(12)),
        lambda draw: (draw.normal(3, 4), draw.chance(4), draw.normal(3, 4))],
    "aten.put.default": [
        lambda draw: (draw.normal(3, 4), torch.tensor([[1, 7], [-1, 3]]), draw.normal(2, 2)),
        lambda draw: (draw.normal(3, 4), draw.whole(12, 9), draw.normal(9), True),
    ],
    "aten.scatter.reduce": [lambda draw: (draw.normal(3, 4), 0, draw.whole(3, 6, 4), draw.normal(6, 4),
        {"reduce": "add"})],
    "aten.scatter.value_reduce": [lambda draw: (draw.normal(3, 4), 0, draw.whole(3, 6, 4), 1.5, {"reduce": "add"})],
    "aten.scatter.src": [lambda draw: (draw.normal(3, 4), 1, torch.tensor([[1, 3], [0, 2]]), draw.normal(2, 2))],
    "aten.scatter.value": [lambda draw: (draw.normal(3, 4), -1, draw.whole(4, 3, 2), 1.5)],
    "aten.scatter_add.default": [lambda draw: (draw.normal(3, 4), 0, draw.whole(3, 6, 4), draw.normal(6, 4))],
    "aten.scatter_reduce.two": [  # pyright: ignore[reportAssignmentType]
        lambda draw, how=how, own=own: (
            draw.normal(3, 4), 0, draw.whole(2, 6, 4), draw.normal(6, 4), how, {"include_self": own}
        )
        for how in ("sum", "mean", "amax", "amin") for own in (True, False)
    ] + [
        lambda draw, how=how: (equals(draw)[0], 0, draw.whole(2, 3, 4), equals(draw)[1], how)
        for how in ("amax", "amin")
    ],
}  # fmt: skip


def attention(*rest: Any, groups: int = 1, mask: Callable[[Draw], Any] = lambda draw: None) -> Case:
    return lambda draw: (
        draw.normal(2, 4, 5, 3), draw.normal(2, 4 // groups, 6, 3), draw.normal(2, 4 // groups, 6, 3), mask(draw), *rest
    )  # fmt: skip


def one_sees_nothing(draw: Draw) -> torch.Tensor:
    mask = draw.chance(5, 6)
    mask[:, 0], mask[2] = True, False
    return mask


PRODUCTS: dict[str, list[Case]] = {
    "aten._cdist_forward.default": [
        lambda draw, order=order: (draw.normal(2, 3, 4), draw.normal(2, 5, 4), order, None)
        for order in (2.0, 1.0, 3.0, 0.0, float("inf"))
    ],
    "aten._grouped_mm.default": [
        lambda draw: (draw.normal(16, 8).float(), draw.normal(3, 8, 4).float().mT.contiguous().mT,
                      torch.tensor([4, 4, 16], dtype=torch.int32)),
    ],
    "aten._pdist_forward.default": [of((4, 3)), of((4, 3), 1.0), of((4, 3), float("inf"))],
    "aten._trilinear.default": [
        lambda draw: (draw.normal(5, 3), draw.normal(2, 3, 4), draw.normal(5, 4), [1, 3], [0], [1, 2], [2, 3]),
    ],
    "aten.addbmm.default": [lambda draw: (draw.normal(3, 4), draw.normal(2, 3, 5), draw.normal(2, 5, 4),
        {"beta": 0.5, "alpha": 2})],
    "aten.addmv.default": [
        lambda draw: (draw.normal(3), draw.normal(3, 2), draw.normal(2), {"beta": 0.5, "alpha": 2}),
        lambda draw: (torch.full((3,), torch.nan, dtype=draw.dtype), draw.normal(3, 2), draw.normal(2), {"beta": 0}),
    ],
    "aten.conv_tbc.default": [lambda draw: (draw.normal(7, 2, 3), draw.normal(3, 3, 4), draw.normal(4), 1)],
    "aten.dist.default": [lambda draw, order=order: (draw.normal(3, 4), draw.normal(4), order) for order in (2, 1, 3)],
    "aten.addmm.default": [
        lambda draw: (draw.normal(4), draw.normal(3, 2), draw.normal(2, 4)),
        lambda draw: (draw.normal(3, 4), draw.normal(3, 2), draw.normal(2, 4), {"beta": 0.5, "alpha": 2}),
    ],
    "aten.baddbmm.default": [lambda draw: (draw.normal(2, 3, 4), draw.normal(2, 3, 5), draw.normal(2, 5, 4),
        {"beta": 0.5})],
    "aten.bmm.default": [lambda draw: (draw.normal(2, 3, 4), draw.normal(2, 4, 5))],
    "aten.linear.default": [
        lambda draw: (draw.normal(2, 3, 4), draw.normal(5, 4), draw.normal(5)),
        lambda draw: (draw.normal(4), draw.normal(5, 4))
    ],
    "aten.matmul.default": [
        lambda draw: (draw.normal(3, 4), draw.normal(4, 5)), lambda draw: (draw.normal(2, 3, 4), draw.normal(4)),
        lambda draw: (draw.normal(4), draw.normal(4)), lambda draw: (draw.normal(2, 1, 3, 4), draw.normal(5, 4, 2)),
    ],
    "aten.mm.default": [lambda draw: (draw.normal(3, 4), draw.normal(4, 5))],
    "aten.scaled_dot_product_attention.default": [
        attention(), attention(0.0, True), attention({"scale": 0.3}), attention(0.0, False, {"enable_gqa": True},
        groups=2),
        attention(mask=one_sees_nothing), attention(mask=lambda draw: draw.normal(2, 1, 5, 6)),
    ],
}  # fmt: skip


def convolution(x: Sequence[int], weight: Sequence[int], bias: bool, *rest: Any) -> Case:
    return lambda draw: (
        draw.normal(*x), draw.normal(*weight),
        draw.normal(weight[1] * rest[-1] if rest[3] else weight[0]) if bias else None, *rest
    )  # fmt: skip


CONVOLUTION: dict[str, list[Case]] = {
    "aten.convolution.default": [
        convolution((2, 3, 8), (4, 3, 3), True, [1], [1], [1], False, [0], 1),
        convolution((2, 4, 7, 8), (6, 2, 3, 2), True, [2, 1], [1, 0], [1, 2], False, [0, 0], 2),
        convolution((1, 2, 4, 4, 4), (3, 2, 2, 2, 2), False, [1], [0], [1], False, [0], 1),
        convolution((2, 4, 5), (4, 3, 3), True, [2], [1], [1], True, [1], 2),
        convolution((2, 3, 4, 5), (3, 2, 3, 3), False, [2, 1], [1, 0], [1, 2], True, [1, 0], 1),
    ],
}  # fmt: skip


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


RECURRENT: dict[str, list[Case]] = {
    "aten.gru.input": [recurrent(3, True, 2, False, True, 1), recurrent(3, False, 1, True, False, 1)],
    "aten.lstm.input": [
        recurrent(4, True, 2, False, True, 2), recurrent(4, False, 2, True, False, 2), recurrent(4, True, 1, False,
        True, 2, project=2)
    ],
    "aten.rnn_relu.input": [recurrent(1, True, 1, True, True, 1)],
    "aten.rnn_tanh.input": [recurrent(1, True, 2, False, True, 1)],
}  # fmt: skip


def images(axes: int, size: int = 7) -> tuple[int, ...]:
    return (2, 2, *(size - axis for axis in range(axes)))


POOLING: dict[str, list[Case]] = {
    "aten._adaptive_avg_pool2d.default": [of(images(2), [3, 2]), of(images(2), [1, 1])],
    "aten._adaptive_avg_pool3d.default": [of(images(3), [3, 2, 4])],
    "aten.adaptive_max_pool2d.default": [of(images(2), [3, 2]), of((2, 7, 6), [1, 4]),
        lambda draw: (draw.whole(2, 2, 2, 6, 6).to(draw.dtype), [2, 3])],
    "aten.adaptive_max_pool3d.default": [of(images(3), [3, 2, 4])],
    "aten.adaptive_avg_pool1d.default": [of(images(1), [3]), of((2, 7), [3])],
    **{
        f"aten.avg_pool{n}d.default": [
            of(images(n), [2] * n), of(images(n), [3] * n, [2] * n, [1] * n),
            of(images(n), [3] * n, [2] * n, [1] * n, False, False),
            of(images(n), [3] * n, [2] * n, [1] * n, True), of(images(n), [2] * n, [2] * n, [0] * n, True, False),
        ]
        for n in (1, 2, 3)
    },
    **{
        f"aten.max_pool{n}d_with_indices.default": [
            of(images(n), [2] * n), of(images(n), [3] * n, [2] * n, [1] * n),
            of(images(n), [2] * n, [2] * n, [0] * n, [2] * n, True)
        ]
        for n in (2, 3)
    },
}  # fmt: skip
POOLING["aten.max_pool2d_with_indices.default"].append(
    lambda draw: (draw.whole(2, 2, 2, 6, 6).to(draw.dtype), [3, 3], [2, 2], [1, 1], [2, 2])
)
POOLING["aten.avg_pool2d.default"].append(of(images(2), [2, 2], [2, 2], [0, 0], False, True, 3))

RESIZING: dict[str, list[Case]] = {
    **{
        f"aten.upsample_nearest{n}d.vec": [of(images(n, 5), [8, 6, 3][:n], None),
        of(images(n, 5), None, [1.7, 2.0, 0.6][:n])]
        for n in (1, 2, 3)
    },
    **{
        f"aten.upsample_{name}.vec": [
            of(images(n, 5), [8, 6, 3][:n], False, None), of(images(n, 5), [8, 1, 3][:n], True, None),
            of(images(n, 5), None, False, [1.7, 2.0, 0.6][:n]),
        ]
        for n, name in ((1, "linear1d"), (2, "bilinear2d"), (3, "trilinear3d"))
    },
}  # fmt: skip
RESIZING["aten.upsample_nearest1d.vec"].append(of((1, 1, 14), [46], None))  # 14/46 is rounded between two neighbours

RESIZING |= {
    f"aten.{name}.vec": [
        of(images(2, 6), [9, 3], False, None), of(images(2, 6), [9, 3], True, None),
        of(images(2, 6), [2, 11], False, None), of(images(2, 6), None, False, [1.7, 0.45]),
    ]
    for name in ("upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")
}  # fmt: skip


def sampled(axes: int, *rest: Any) -> Case:
    return lambda draw: (
        draw.normal(2, 3, *(5, 4, 3)[:axes]), draw.uniform(-1.3, 1.3, 2, *(3, 2, 4)[:axes], axes), *rest
    )  # fmt: skip


def positive(draw: Draw, *shape: int) -> torch.Tensor:
    """Positive definite matrices."""
    x = draw.normal(*shape)
    return x @ x.mT + torch.eye(shape[-1], dtype=draw.dtype)


def triangular(draw: Draw, *shape: int) -> torch.Tensor:
    return draw.normal(*shape).tril() + 3 * torch.eye(shape[-1], dtype=draw.dtype)


GRIDS: dict[str, list[Case]] = {
    "aten.as_strided.default": [of((3, 4), [2, 3], [4, 1], 1), of((10,), [4, 3], [2, 1]), of((6,), [], [], 2)],
    "aten.col2im.default": [
        of((2, 3 * 4, 12), [4, 5], [2, 2], [1, 1], [0, 0], [1, 1]),
        of((3 * 6, 9), [6, 7], [3, 2], [1, 2], [1, 0], [2, 2]),
    ],
    "aten.grid_sampler_2d.default": [
        sampled(2, how, padding, align) for how in (0, 1, 2) for padding in (0, 1, 2) for align in (True, False)
    ],
    "aten.grid_sampler_3d.default": [sampled(3, how, padding, False) for how in (0, 1) for padding in (0, 1, 2)],
    "aten.unfold.default": [of((3, 7), 1, 3, 2), of((7, 2), -2, 2, 1), of((5,), 0, 5, 1)],
}  # fmt: skip

LINEAR_ALGEBRA: dict[str, list[Case]] = {
    "aten._linalg_det.default": [of((3, 3)), of((2, 3, 3))],
    "aten._linalg_eigh.default": [lambda draw: (positive(draw, 2, 3, 3),),
        lambda draw: (positive(draw, 3, 3), "U", False)],
    "aten._linalg_slogdet.default": [of((2, 3, 3))],
    "aten._linalg_solve_ex.default": [
        lambda draw: (draw.normal(3, 3), draw.normal(3)), lambda draw: (draw.normal(2, 3, 3), draw.normal(2, 3)),
        lambda draw: (draw.normal(2, 3, 3), draw.normal(3, 4)),
        lambda draw: (draw.normal(2, 3, 3), draw.normal(2, 4, 3), {"left": False}),
    ],
    "aten._linalg_svd.default": [of((3, 4), False, False)],
    **{f"aten.{name}.default": [lambda draw: (positive(draw, 2, 3, 3),), upper]
       for name, upper in (("cholesky", lambda draw: (positive(draw, 3, 3), True)),
                           ("linalg_cholesky_ex", lambda draw: (positive(draw, 3, 3), {"upper": True})))},
    "aten.cholesky_inverse.default": [lambda draw: (triangular(draw, 3, 3),),
        lambda draw: (triangular(draw, 3, 3).mT, True)],
    "aten.cholesky_solve.default": [
        lambda draw: (draw.normal(3, 2), triangular(draw, 3, 3)),
        lambda draw: (draw.normal(2, 3, 2), triangular(draw, 3, 3).mT, True),
    ],
    "aten.linalg_householder_product.default": [lambda draw: (draw.normal(2, 4, 3), draw.normal(2, 3)),
        lambda draw: (draw.normal(4, 4), draw.normal(2))],
    "aten.linalg_inv_ex.default": [of((3, 3)), of((2, 3, 3))],
    "aten.linalg_matrix_exp.default": [of((3, 3)), of((2, 3, 3))],
    "aten.linalg_pinv.atol_rtol_tensor": [of((4, 3)),
        lambda draw: (draw.normal(2, 3, 4), {"rtol": draw.uniform(0, 1e-3)})],
    "aten.linalg_qr.default": [of((2, 4, 3)), of((3, 3), "complete"), of((4, 3), "r")],
    "aten.linalg_solve_triangular.default": [
        lambda draw: (triangular(draw, 3, 3), draw.normal(2, 3, 4), {"upper": False}),
        lambda draw: (triangular(draw, 2, 3, 3).mT, draw.normal(2, 4, 3), {"upper": True, "left": False}),
        lambda draw: (triangular(draw, 3, 3), draw.normal(3, 4), {"upper": False, "unitriangular": True}),
    ],
    "aten.triangular_solve.default": [
        lambda draw: (draw.normal(3, 2), triangular(draw, 3, 3).mT),
        lambda draw: (draw.normal(3, 2), triangular(draw, 3, 3), False, True),
    ],
}  # fmt: skip

NORMALIZATION: dict[str, list[Case]] = {
    "aten._native_batch_norm_legit.no_stats": [
        lambda draw: (draw.normal(1, 3, 4, 5), draw.normal(3), draw.normal(3), True, 0.1, 1e-5),
        lambda draw: (draw.normal(2, 3, 4), None, None, True, 0.1, 1e-5),
    ],
    "aten._native_batch_norm_legit_no_training.default": [
        lambda draw: (
            draw.normal(2, 3, 4), draw.normal(3), draw.normal(3), draw.normal(3), draw.uniform(0.5, 2, 3), 0.1, 1e-5
        ),
        lambda draw: (draw.normal(2, 3), None, None, draw.normal(3), draw.uniform(0.5, 2, 3), 0.1, 1e-5),
    ],
    "aten.native_group_norm.default": [
        lambda draw: (draw.normal(2, 6, 4), draw.normal(6), draw.normal(6), 2, 6, 4, 3, 1e-5),
        lambda draw: (draw.normal(2, 4, 3, 3), None, None, 2, 4, 9, 2, 1e-5),
    ],
    "aten.native_layer_norm.default": [
        lambda draw: (draw.normal(2, 3, 4), [4], draw.normal(4), draw.normal(4), 1e-5),
        lambda draw: (draw.normal(2, 3, 4), [3, 4], None, None, 1e-5),
    ],
}  # fmt: skip

CASES: dict[str, list[Case]] = {
    **ARITHMETIC, **POINTWISE, **CREATION, **SHAPES, **REDUCTIONS, **INDEXING, **PRODUCTS, **CONVOLUTION,
    **RECURRENT, **POOLING,
    **RESIZING, **NORMALIZATION, **COMPLEX, **GRIDS, **LINEAR_ALGEBRA,
}  # fmt: skip
