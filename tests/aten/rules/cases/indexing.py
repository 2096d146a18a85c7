"""Cases of elements taken by indices, and written at indices."""

from collections.abc import Sequence
from typing import Any

import torch

from tests.aten.rules.cases.draw import Case, equals


def order_of(name: str, ordered: torch.Tensor, x: Any, right: bool) -> Sequence[Any]:
    """Arguments of `bucketize` and of `searchsorted`, which have them in other orders."""
    ordered = ordered.to(torch.float64)
    return (*((x, ordered) if name == "bucketize" else (ordered, x)), {"right": right})


CASES: dict[str, list[Case]] = {
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
        lambda draw: (draw.normal(), 0, torch.tensor([0]), draw.normal(), {"alpha": 2}),
    ],
    "aten.index_copy.default": [lambda draw: (draw.normal(3, 4), 1, torch.tensor([3, 0]), draw.normal(3, 2)),
        lambda draw: (draw.normal(), 0, torch.tensor(0), draw.normal())],
    "aten.index_put.default": [
        lambda draw: (draw.normal(5, 2), [torch.tensor([1, 3])], draw.normal(2, 2)),
        lambda draw: (draw.normal(5, 2), [draw.whole(5, 7)], draw.normal(7, 2), True),
        lambda draw: (draw.normal(5, 2), [None, torch.tensor([1])], draw.normal(5, 1)),
        lambda draw: (draw.chance(5, 2), [draw.whole(5, 7)], draw.chance(7, 2), True),
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
    "aten.scatter_add.default": [lambda draw: (draw.chance(3, 4), 0, draw.whole(3, 6, 4), draw.chance(6, 4)),
        lambda draw: (draw.normal(3, 4), 0, draw.whole(3, 6, 4), draw.normal(6, 4))],
    "aten.scatter_reduce.two": [  # pyright: ignore[reportAssignmentType]
        lambda draw, how=how, own=own: (
            draw.normal(3, 4), 0, draw.whole(2, 6, 4), draw.normal(6, 4), how, {"include_self": own}
        )
        for how in ("sum", "mean", "amax", "amin") for own in (True, False)
    ] + [
        lambda draw, how=how: (equals(draw)[0], 0, draw.whole(2, 3, 4), equals(draw)[1], how)
        for how in ("amax", "amin")
    ] + [
        lambda draw, how=how: (draw.chance(3, 4), 0, draw.whole(2, 6, 4), draw.chance(6, 4), how,
                               {"include_self": False})
        for how in ("sum", "amin")
    ],
}  # fmt: skip
