"""Cases of products of matrices, attention, and distances between rows."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from tests.aten.rules.cases.draw import Case, Draw, of


def attention(*rest: Any, groups: int = 1, mask: Callable[[Draw], Any] = lambda draw: None) -> Case:
    return lambda draw: (
        draw.normal(2, 4, 5, 3), draw.normal(2, 4 // groups, 6, 3), draw.normal(2, 4 // groups, 6, 3), mask(draw), *rest
    )  # fmt: skip


def one_sees_nothing(draw: Draw) -> torch.Tensor:
    mask = draw.chance(5, 6)
    mask[:, 0], mask[2] = True, False
    return mask


def in_groups(draw: Draw) -> Sequence[Any]:
    """Rows of three groups, of which the second is empty; torch multiplies groups in float32 alone."""
    matrices = draw.normal(3, 8, 4).float().mT.contiguous().mT
    return draw.normal(16, 8).float(), matrices, torch.tensor([4, 4, 16], dtype=torch.int32)


CASES: dict[str, list[Case]] = {
    "aten._cdist_forward.default": [
        lambda draw, order=order: (draw.normal(2, 3, 4), draw.normal(2, 5, 4), order, None)
        for order in (2.0, 1.0, 3.0, 0.0, float("inf"))
    ],
    "aten._grouped_mm.default": [in_groups],
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
    "transformers.grouped_mm_fallback.default": [
        in_groups, lambda draw: (draw.normal(9, 3), draw.normal(3, 3, 4), torch.tensor([2, 2, 7]))
    ],
}  # fmt: skip
