"""Cases of arrays in another shape or order, of parts of arrays, and of arrays joined."""

from tests.aten.rules.cases.draw import Case, of

CASES: dict[str, list[Case]] = {
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
    **{f"aten.{way}_pad{n}d.default": [of((2, 2, *(5,) * n), pad * n) for pad in ([2, 1], [-1, 2], [1, -2])]
       for way in ("reflection", "replication") for n in (1, 2, 3)},
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
CASES["aten.replication_pad2d.default"].append(of((2, 2, 4, 4), [0, 0, 2, -4]))  # nothing of the image but its edge
