"""Cases of averages and maxima over windows."""

from tests.aten.rules.cases.draw import Case, images, of

CASES: dict[str, list[Case]] = {
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
CASES["aten.max_pool2d_with_indices.default"].append(
    lambda draw: (draw.whole(2, 2, 2, 6, 6).to(draw.dtype), [3, 3], [2, 2], [1, 1], [2, 2])
)
CASES["aten.avg_pool2d.default"].append(of(images(2), [2, 2], [2, 2], [0, 0], False, True, 3))
