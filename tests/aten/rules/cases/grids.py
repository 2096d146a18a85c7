"""Cases of images taken at any places, and of windows cut out and put together."""

from typing import Any

from tests.aten.rules.cases.draw import Case, of


def sampled(axes: int, *rest: Any) -> Case:
    return lambda draw: (
        draw.normal(2, 3, *(5, 4, 3)[:axes]), draw.uniform(-1.3, 1.3, 2, *(3, 2, 4)[:axes], axes), *rest
    )  # fmt: skip


CASES: dict[str, list[Case]] = {
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
