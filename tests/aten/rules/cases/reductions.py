"""Cases of sums, extremes, orders and running totals along axes."""

from collections.abc import Sequence
from typing import Any

import torch

from tests.aten.rules.cases.draw import Case, Draw, equals, of

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


CASES: dict[str, list[Case]] = {
    "aten._log_softmax.default": [of((), -1, False), of((3, 4), 1, False), of((3, 4), 0, False)],
    "aten._softmax.default": [of((3, 4), -1, False), of((), 0, False)],
    **{f"aten.{name}.default": [of((3, 4), 1), of((3, 4), -2), lambda draw: (equals(draw)[0], 1), one_is_no_number,
                                 lambda draw: (draw.chance(3, 4), 1)]
       for name in ("cummax", "cummin")},
    "aten.histc.default": [of((30,), 5), of((30,), 4, -1, 1), lambda draw: (torch.ones(3, dtype=draw.dtype), 3)],
    "aten.kthvalue.default": [of((3, 5), 2), of((5, 3), 4, 0, True), lambda draw: (equals(draw)[0], 2, 1)],
    "aten.logcumsumexp.default": [of((3, 4), 1), of((3, 4), -2), of((), 0)],
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
    "aten.cumprod.default": [of((), 0), of((3, 4), 1), lambda draw: (a_zero(draw), -1)],
    "aten.cumsum.default": [of((), -1), of((3, 4), 0), lambda draw: (draw.chance(5), 0)],
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
    "aten.topk.default": [of((3, 6), 2), of((6, 3), 3, 0, False), of((), 1)],
    "aten.var.correction": [
        of((3, 4), [1]), of((3, 4), [0], {"correction": 0, "keepdim": True}), of((3, 4), None, {"correction": 1}),
        of((3, 1), [1], {"correction": 1}),
    ],
}  # fmt: skip
